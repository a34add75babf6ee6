// What the overview says of each audience.
import { Badge, Stack, Text } from "@chakra-ui/react";
import type { AudienceRow } from "../api/types";
import { columnsOf } from "../parts/DataTable";
import { count, size } from "../parts/format";
import { Inner } from "../parts/Links";
import { Sparkline } from "../parts/Sparkline";
import { StatusBadge } from "../parts/States";
import { Ago } from "../parts/Time";
import { audiencePath } from "../paths";

const column = columnsOf<AudienceRow>();

/** Their ids are the names that the API sorts by. */
export const COLUMNS = column.columns([
  column.accessor("segment", {
    cell: ({ row: { original } }) => <Name row={original} />,
    header: "Audience",
    meta: { heads: true },
  }),
  column.accessor("status", {
    cell: ({ row: { original } }) => <Standing row={original} />,
    header: "Status",
  }),
  column.accessor("size", {
    cell: ({ row: { original } }) => <Sizes row={original} />,
    header: "Size",
    meta: { from: "md", numeric: true, says: "As the platform tells it; below, how many members receipts say that it holds" },
  }),
  column.accessor("wanted", {
    cell: ({ row: { original } }) => count(original.wanted),
    header: "Wanted",
    meta: { from: "lg", numeric: true, says: "Members of the segment with a key for this platform" },
  }),
  column.accessor("match_rate", {
    cell: ({ row: { original } }) => original.match_rate_told ?? "–",
    header: "Match rate",
    meta: { from: "xl", numeric: true, says: "As the platform tells it" },
  }),
  column.accessor("added", {
    cell: ({ row: { original } }) => count(original.added),
    header: "Added",
    meta: { from: "lg", numeric: true, says: "In the last run" },
  }),
  column.accessor("removed", {
    cell: ({ row: { original } }) => count(original.removed),
    header: "Removed",
    meta: { from: "lg", numeric: true, says: "In the last run" },
  }),
  column.accessor("rejected", {
    cell: ({ row: { original } }) => count(original.rejected),
    header: "Rejected",
    meta: { from: "lg", numeric: true, says: "Rows that the platform refused in the last run" },
  }),
  column.display({
    cell: ({ row: { original } }) => <Trend row={original} />,
    header: "Held over time",
    id: "trend",
    meta: { from: "xl" },
  }),
  column.accessor("sealed_at", {
    cell: ({ row: { original } }) => <Sealed row={original} />,
    header: "Last sealed",
    meta: { from: "md", says: "When it last was in step, as receipts say" },
  }),
  column.accessor("run_at", {
    cell: ({ row: { original } }) => <LastRun row={original} />,
    header: "Last run",
    meta: { from: "lg" },
  }),
]);

interface Cell {
  row: AudienceRow;
}

function Name({ row }: Cell) {
  return (
    <Stack gap={0} minWidth="8rem">
      <Inner label={`${row.segment} on ${row.destination}`} to={audiencePath(row.segment, row.destination)}>
        {row.segment}
      </Inner>
      <Text color="fg.muted" fontSize="xs" truncate>
        {row.platform_title}
        {row.destination !== `${row.platform}_main` && ` · ${row.destination}`}
      </Text>
    </Stack>
  );
}

function Standing({ row }: Cell) {
  return (
    <Stack align="start" gap={0}>
      <StatusBadge status={row.status} />
      {row.why && (
        <Text color="fg.muted" fontSize="xs" lineClamp={1} maxWidth={{ base: "9rem", xl: "18rem" }} title={row.why}>
          {row.why}
        </Text>
      )}
    </Stack>
  );
}

function Sizes({ row }: Cell) {
  return (
    <Stack gap={0}>
      <Text as="span" whiteSpace="nowrap">
        {size(row.size, row.size_high)}
      </Text>
      <Text color="fg.muted" fontSize="xs" whiteSpace="nowrap">
        {row.members == null ? "nothing held" : `${count(row.members)} held`}
      </Text>
    </Stack>
  );
}

function Trend({ row }: Cell) {
  const last = row.trend.at(-1);
  return last === undefined ? null : <Sparkline label={`Held: ${count(row.trend[0])} to ${count(last)}`} values={row.trend} />;
}

function Sealed({ row }: Cell) {
  return (
    <Stack align="start" gap={0}>
      <Ago at={row.sealed_at} />
      {row.late && (
        <Badge colorPalette="warning" size="xs">
          late
        </Badge>
      )}
    </Stack>
  );
}

function LastRun({ row }: Cell) {
  if (!row.run_at) return "–";
  if (!row.run_url) return <Ago at={row.run_at} />;
  return (
    <Inner to={row.run_url}>
      <Ago at={row.run_at} />
    </Inner>
  );
}
