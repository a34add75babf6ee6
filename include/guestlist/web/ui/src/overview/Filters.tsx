// What narrows the overview down: words, statuses and platforms.
import { Button, Flex, HStack, Input, InputGroup, NativeSelect } from "@chakra-ui/react";
import { useEffect, useState } from "react";
import { FiSearch } from "react-icons/fi";
import type { Overview, Status } from "../api/types";
import { count } from "../parts/format";
import { STATUSES } from "../parts/States";

export interface Chosen {
  search: string;
  statuses: readonly Status[];
  platform: string;
}

interface Props {
  chosen: Chosen;
  change: (chosen: Partial<Chosen>) => void;
  counts: Overview | undefined;
}

export function Filters({ change, chosen, counts }: Props) {
  return (
    <Flex align="center" flexShrink={0} gap={3} wrap="wrap">
      <Search change={(search) => change({ search })} search={chosen.search} />
      <NativeSelect.Root size="sm" width="auto">
        <NativeSelect.Field
          aria-label="Platform"
          onChange={(event) => change({ platform: event.target.value })}
          value={chosen.platform}
        >
          <option value="">All platforms</option>
          {counts?.platforms.map((platform) => (
            <option key={platform}>{platform}</option>
          ))}
        </NativeSelect.Field>
        <NativeSelect.Indicator />
      </NativeSelect.Root>
      <HStack aria-label="Status" gap={1} role="group" wrap="wrap">
        {(Object.keys(STATUSES) as Status[])
          .filter((status) => counts?.statuses[status] || chosen.statuses.includes(status))
          .map((status) => (
            <Chip
              key={status}
              many={counts?.statuses[status] ?? 0}
              status={status}
              toggle={() => change({ statuses: toggled(chosen.statuses, status) })}
              wanted={chosen.statuses.includes(status)}
            />
          ))}
      </HStack>
    </Flex>
  );
}

const toggled = (all: readonly Status[], one: Status): Status[] =>
  all.includes(one) ? all.filter((status) => status !== one) : [...all, one];

interface ChipProps {
  many: number;
  status: Status;
  toggle: () => void;
  wanted: boolean;
}

function Chip({ many, status, toggle, wanted }: ChipProps) {
  const { label, palette } = STATUSES[status];
  return (
    <Button
      aria-pressed={wanted}
      borderRadius="full"
      colorPalette={palette}
      onClick={toggle}
      size="xs"
      variant={wanted ? "solid" : "subtle"}
    >
      {label} {count(many)}
    </Button>
  );
}

const PAUSE_MS = 250;

/** Asks once the typing pauses. */
function Search({ change, search }: { change: (search: string) => void; search: string }) {
  const [typed, setTyped] = useState(search);
  useEffect(() => {
    if (typed === search) return undefined;
    const pause = setTimeout(() => change(typed), PAUSE_MS);
    return () => clearTimeout(pause);
  }, [typed, search, change]);
  return (
    <InputGroup startElement={<FiSearch aria-hidden />} width={{ base: "100%", md: "18rem" }}>
      <Input
        aria-label="Search segments, audiences and connections"
        onChange={(event) => setTyped(event.target.value)}
        placeholder="Search"
        size="sm"
        type="search"
        value={typed}
      />
    </InputGroup>
  );
}
