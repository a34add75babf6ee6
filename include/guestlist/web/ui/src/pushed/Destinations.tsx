// What each destination has taken of a pushed audience.
import { useMemo } from "react";
import type { AudienceAnswer, DestinationAnswer } from "../api/types";
import { columnsOf, DataTable } from "../parts/DataTable";
import { count, NOTHING, plural } from "../parts/format";
import { Inner, Outer } from "../parts/Links";
import { StateBadge } from "../parts/States";
import { audiencePath } from "../paths";

const column = columnsOf<DestinationAnswer>();

const columnsFor = (segment: string) =>
  column.columns([
    column.accessor("label", {
      cell: ({ row: { original } }) => <Inner to={audiencePath(segment, original.label)}>{original.label}</Inner>,
      header: "Destination",
      meta: { heads: true },
    }),
    column.accessor("state", {
      cell: ({ row: { original } }) => (
        <>
          <StateBadge state={original.state} />
          <small className="until-md">{plural(original.matched_rows, "row")} matched</small>
        </>
      ),
      header: "State",
    }),
    column.accessor("matched_rows", {
      cell: ({ row }) => count(row.original.matched_rows),
      header: "Rows matched",
      meta: { from: "md", numeric: true },
    }),
    column.display({
      cell: ({ row: { original } }) => `${count(original.rows_answered)} of ${count(original.rows_planned)}`,
      header: "Rows answered",
      id: "answered",
      meta: { from: "md", numeric: true, says: "Rows of requests that the platform has answered" },
    }),
    column.accessor((row) => row.members ?? undefined, {
      cell: ({ row }) => count(row.original.members),
      header: "Held",
      id: "members",
      meta: { from: "md", numeric: true, says: "Once all of it is confirmed" },
    }),
    column.display({
      cell: ({ row: { original } }) => <OnPlatform one={original} />,
      header: "On the platform",
      id: "platform_id",
      meta: { from: "lg" },
    }),
  ]);

function OnPlatform({ one: { platform_id, url } }: { one: DestinationAnswer }) {
  if (!platform_id) return NOTHING;
  return url ? <Outer href={url}>{platform_id}</Outer> : platform_id;
}

export function Destinations({ audience: { destinations, segment } }: { audience: AudienceAnswer }) {
  const columns = useMemo(() => columnsFor(segment), [segment]);
  return (
    <DataTable
      columns={columns}
      empty="It goes nowhere."
      label="Destinations"
      rowId={({ label }) => label}
      rows={destinations}
    />
  );
}
