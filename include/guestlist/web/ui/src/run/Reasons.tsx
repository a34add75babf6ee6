// Why rows and keys are not on the platform: counts by reason, never values.
import type { Reason } from "../api/types";
import { columnsOf, DataTable } from "../parts/DataTable";
import { count, NOTHING, words } from "../parts/format";

const KINDS: Readonly<Record<Reason["kind"], string>> = {
  dropped_key: "Key left out",
  dropped_row: "Row left out",
  rejected: "Refused by the platform",
  without_key: "Nothing this platform takes",
  without_value: "No value",
};

const column = columnsOf<Reason>();

const COLUMNS = column.columns([
  column.accessor((row) => KINDS[row.kind], { header: "What", id: "kind" }),
  column.accessor((row) => row.column ?? undefined, {
    cell: ({ row }) => row.original.column ?? NOTHING,
    header: "Key and recipe",
    id: "column",
    meta: { from: "md" },
  }),
  column.accessor("reason", { cell: ({ row }) => words(row.original.reason), header: "Reason", meta: { heads: true } }),
  column.accessor("count", { cell: ({ row }) => count(row.original.count), header: "How many", meta: { numeric: true } }),
]);

export function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  return (
    <DataTable
      columns={COLUMNS}
      empty="Nothing was left out or refused."
      label="Left out and refused, by reason"
      rowId={({ column: key, kind, reason }) => `${kind} ${key} ${reason}`}
      rows={reasons}
    />
  );
}
