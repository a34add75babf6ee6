// What the overview says of each audience.
import type { AudienceRow } from "../api/types";
import { columnsOf } from "../parts/DataTable";
import { count, nameOf, NOTHING, size } from "../parts/format";
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
    cell: ({ row: { original } }) => original.match_rate_told ?? NOTHING,
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
    <>
      <Inner label={`${nameOf(row)} on ${row.destination}`} to={audiencePath(row.segment, row.destination)}>
        {nameOf(row)}
      </Inner>
      <small className="line">
        {row.pushed && `${row.pushed.intake} · `}
        {row.platform_title}
        {row.destination !== `${row.platform}_main` && ` · ${row.destination}`}
      </small>
    </>
  );
}

function Standing({ row }: Cell) {
  return (
    <>
      <StatusBadge status={row.status} />
      {row.why && (
        <small className="line" title={row.why}>
          {row.why}
        </small>
      )}
    </>
  );
}

function Sizes({ row }: Cell) {
  return (
    <>
      {size(row.size, row.size_high)}
      <small>{row.members == null ? "nothing held" : `${count(row.members)} held`}</small>
    </>
  );
}

function Trend({ row }: Cell) {
  const last = row.trend.at(-1);
  return last === undefined ? null : <Sparkline label={`Held: ${count(row.trend[0])} to ${count(last)}`} values={row.trend} />;
}

function Sealed({ row }: Cell) {
  return (
    <>
      <Ago at={row.sealed_at} />
      {row.late && <small>late</small>}
    </>
  );
}

function LastRun({ row }: Cell) {
  if (!row.run_at) return NOTHING;
  if (!row.run_url) return <Ago at={row.run_at} />;
  return (
    <Inner to={row.run_url}>
      <Ago at={row.run_at} />
    </Inner>
  );
}
