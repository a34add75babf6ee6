// The runs of an audience with their numbers.
import { useMemo } from "react";
import { byOffset } from "../api/queries";
import type { AudienceRow, RunRow } from "../api/types";
import { columnsOf } from "../parts/DataTable";
import { count, duration, NOTHING } from "../parts/format";
import { Csv, Inner } from "../parts/Links";
import { Section } from "../parts/Page";
import { PagedTable } from "../parts/PagedTable";
import { StateBadge } from "../parts/States";
import { At } from "../parts/Time";
import { runPath } from "../paths";

const PAGING = byOffset<RunRow>();

export function Runs({ audience, path }: { audience: AudienceRow; path: string }) {
  const { destination, segment } = audience;
  const columns = useMemo(() => columnsFor(segment, destination), [segment, destination]);
  return (
    <Section actions={<Csv name="the runs" path={`${path}/runs`} />} title="Runs">
      <PagedTable
        columns={columns}
        empty="No run has served it yet."
        label="Runs"
        maxHeight="28rem"
        paging={PAGING}
        path={`${path}/runs`}
        rowId={(row) => row.run_id}
      />
    </Section>
  );
}

const column = columnsOf<RunRow>();

const number = (name: keyof RunRow & string, header: string, from?: "md" | "lg" | "xl", says?: string) =>
  column.display({
    cell: ({ row }) => count(row.original[name] as number | null),
    header,
    id: name,
    meta: { numeric: true, ...(from && { from }), ...(says && { says }) },
  });

const columnsFor = (segment: string, destination: string) =>
  column.columns([
    column.display({
      cell: ({ row: { original } }) => (
        <Inner label={`Run of ${original.started_at}`} to={runPath(segment, destination, original.run_id)}>
          <At at={original.started_at} />
        </Inner>
      ),
      header: "Started",
      id: "started_at",
      meta: { heads: true },
    }),
    column.display({
      cell: ({ row }) => <StateBadge state={row.original.state} />,
      header: "State",
      id: "state",
    }),
    number("wanted", "Wanted", "lg"),
    number("added", "Added", "md"),
    number("removed", "Removed", "md"),
    number("renewed", "Renewed", "xl"),
    number("rejected", "Rejected", "lg", "Rows that the platform refused"),
    number("unconfirmed", "Unconfirmed", "xl", "Rows of which the platform has not said what became"),
    number("unsent", "Unsent", "xl"),
    number("requests", "Requests", "xl"),
    column.display({
      cell: ({ row }) => row.original.match_rate_told ?? NOTHING,
      header: "Match rate",
      id: "match_rate",
      meta: { from: "xl", numeric: true },
    }),
    column.display({
      cell: ({ row }) => duration(row.original.seconds),
      header: "Duration",
      id: "seconds",
      meta: { from: "md", numeric: true },
    }),
  ]);
