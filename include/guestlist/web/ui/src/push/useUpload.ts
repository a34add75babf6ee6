// The upload itself: how far it is, and the page that tells what became of it.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { pathOf } from "../api/client";
import { client } from "../api/queries";
import type { Accepted } from "../api/types";
import { pushedPath } from "../paths";
import { formOf, newKey, upload } from "./file";
import { type Mapping, reading, type Wish } from "./wish";

export function useUpload(file: File | undefined, wish: Wish, guessed: Mapping | undefined) {
  const [share, setShare] = useState(0);
  const navigate = useNavigate();
  const key = useMemo(newKey, [file, wish]); // another wish is another request
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);
  const sending = useMutation({
    mutationFn: (chosen: File) => {
      setShare(0);
      stop.current = new AbortController();
      const asked = { key, onProgress: setShare, signal: stop.current.signal };
      return upload<Accepted>({ ...asked, ...requestOf(chosen, wish, guessed) });
    },
    onSuccess: ({ id }) => {
      client.invalidateQueries({ queryKey: ["audiences"] });
      navigate(pushedPath(id));
    },
  });
  return { sending, share, stop: () => stop.current?.abort() };
}

function requestOf(file: File, wish: Wish, guessed: Mapping | undefined) {
  if (wish.way === "new") {
    const fields = reading({ ...wish, mapping: wish.mapping ?? guessed });
    return { form: formOf({ ...fields, name: wish.name.trim() }, file, file.name), method: "POST", path: "audiences" } as const;
  }
  const path = pathOf`audiences/${wish.audience?.id ?? ""}/members`;
  return { form: formOf({}, file, file.name), method: wish.way === "replace" ? "PUT" : "POST", path } as const;
}
