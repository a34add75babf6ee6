// How many of the people a platform could match, by destination.
import type { Platform } from "../api/types";
import { columnsOf, DataTable } from "../parts/DataTable";
import { count, share } from "../parts/format";

const column = columnsOf<Platform>();
const number = (name: "one_key" | "several_keys" | "without_key", header: string, from?: "md") =>
  column.accessor(name, {
    cell: ({ row }) => count(row.original[name]),
    header,
    meta: { numeric: true, ...(from && { from }) },
  });

const COLUMNS = column.columns([
  column.accessor("label", { header: "Destination", meta: { heads: true } }),
  column.accessor((row) => withKey(row) / Math.max(1, row.people), {
    cell: ({ row: { original } }) => (
      <>
        {share(withKey(original) / Math.max(1, original.people))}
        <small>{`${count(withKey(original))} of ${count(original.people)} people`}</small>
      </>
    ),
    header: "With a key it takes",
    id: "ready",
    meta: { numeric: true },
  }),
  number("several_keys", "Two keys or more", "md"),
  number("one_key", "One key", "md"),
  number("without_key", "No key"),
]);

const withKey = ({ people, without_key }: Platform): number => people - without_key;

export function Readiness({ platforms }: { platforms: readonly Platform[] }) {
  return (
    <DataTable
      columns={COLUMNS}
      empty="No destination is chosen."
      label="Match readiness"
      rowId={({ label }) => label}
      rows={platforms}
    />
  );
}
