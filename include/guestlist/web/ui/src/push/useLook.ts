// A look at the chosen file: its columns, how they are mapped, and what platforms could match of its first rows.
import { useQuery } from "@tanstack/react-query";
import { post } from "../api/client";
import type { Preview } from "../api/types";
import { beginningOf, formOf } from "./file";
import { reading, type Wish } from "./wish";

/** Null for a file that is too large to be looked at. */
export function useLook(file: File | undefined, wish: Wish) {
  const fields = reading(wish);
  const ready = file !== undefined && (wish.way === "new" ? wish.destinations.length > 0 : wish.audience !== undefined);
  return useQuery<Preview | null>({
    enabled: ready,
    placeholderData: (before, query) => (query?.queryKey[1] === identity(file) ? before : undefined),
    queryFn: async ({ signal }) => {
      const beginning = file && (await beginningOf(file));
      if (!beginning) return null;
      const { content, cut, name } = beginning;
      return post<Preview>("audiences/preview", formOf({ ...fields, cut: cut ? "true" : undefined }, content, name), signal);
    },
    queryKey: ["look", identity(file), fields],
    refetchInterval: false,
    staleTime: Infinity,
  });
}

const identity = (file: File | undefined): string => (file ? `${file.name} ${file.size} ${file.lastModified}` : "");
