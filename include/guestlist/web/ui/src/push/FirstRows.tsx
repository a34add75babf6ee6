// The first rows of the file, masked by the server: what stands in it, and below what becomes of it.
import { useMemo } from "react";
import type { MaskedRow, Preview } from "../api/types";
import { columnsOf, DataTable } from "../parts/DataTable";
import { NOTHING, words } from "../parts/format";

const column = columnsOf<MaskedRow>();

export function FirstRows({ found: { mapping, rows } }: { found: Preview }) {
  const fields = Object.keys(mapping).join(" ");
  const columns = useMemo(() => columnsFor(fields.split(" ")), [fields]);
  return (
    <DataTable
      columns={columns}
      empty="The file has no rows."
      label="First rows"
      rowId={(row) => String(rows.indexOf(row))}
      rows={rows}
    />
  );
}

const columnsFor = (fields: readonly string[]) =>
  column.columns([
    ...fields.map((field) =>
      column.display({ cell: ({ row }) => <Value field={field} row={row.original} />, header: words(field), id: field }),
    ),
    column.display({
      cell: ({ row }) => (row.original.dropped ? `left out: ${words(row.original.dropped)}` : "used"),
      header: "Row",
      id: "dropped",
    }),
  ]);

/** As the server masks a cell that holds nothing. */
const EMPTY = "-";

function Value({ field, row }: { field: string; row: MaskedRow }) {
  const found = row.fields.find((one) => one.field === field);
  if (!found) return NOTHING;
  const values = Object.values(found.values).filter((value) => value && value !== EMPTY);
  const keys = new Set(Object.values(found.keys).flat());
  const reasons = new Set(Object.values(found.dropped).flat());
  return (
    <>
      {values.join(", ") || NOTHING}
      {[...keys, ...[...reasons].map(words)].map((told) => (
        <small key={told}>{told}</small>
      ))}
    </>
  );
}
