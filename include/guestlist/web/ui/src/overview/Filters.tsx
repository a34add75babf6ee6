// What narrows the overview down: words, statuses and platforms.
import { Button, Flex, HStack } from "@chakra-ui/react";
import type { Overview, Status } from "../api/types";
import { count } from "../parts/format";
import { OneOf } from "../parts/OneOf";
import { Search } from "../parts/Search";
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
      <Search
        change={(search) => change({ search })}
        label="Search segments, audiences and connections"
        search={chosen.search}
      />
      <OneOf
        all="All platforms"
        change={(platform) => change({ platform })}
        chosen={chosen.platform}
        label="Platform"
        values={counts?.platforms ?? []}
      />
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
