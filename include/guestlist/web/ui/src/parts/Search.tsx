// A field for words that narrow a list down.
import { Input, InputGroup } from "@chakra-ui/react";
import { useEffect, useState } from "react";
import { FiSearch } from "react-icons/fi";

const PAUSE_MS = 250;

interface Props {
  change: (search: string) => void;
  /** What is searched, for screen readers. */
  label: string;
  search: string;
}

/** Asks once the typing pauses. */
export function Search({ change, label, search }: Props) {
  const [typed, setTyped] = useState(search);
  useEffect(() => {
    if (typed === search) return undefined;
    const pause = setTimeout(() => change(typed), PAUSE_MS);
    return () => clearTimeout(pause);
  }, [typed, search, change]);
  return (
    <InputGroup startElement={<FiSearch aria-hidden />} width={{ base: "100%", md: "18rem" }}>
      <Input
        aria-label={label}
        onChange={(event) => setTyped(event.target.value)}
        placeholder="Search"
        size="sm"
        type="search"
        value={typed}
      />
    </InputGroup>
  );
}
