// Rows that could not be used, and rows that platforms have refused: how many, and why; never which.
import type { AudienceAnswer } from "../api/types";
import { columnsOf, DataTable } from "../parts/DataTable";
import { count, words } from "../parts/format";

interface Line {
  count: number;
  reason: string;
  where: string;
}

const column = columnsOf<Line>();

const COLUMNS = column.columns([
  column.accessor("where", { header: "Where" }),
  column.accessor("reason", { cell: ({ row }) => words(row.original.reason), header: "Reason", meta: { heads: true } }),
  column.accessor("count", { cell: ({ row }) => count(row.original.count), header: "Rows", meta: { numeric: true } }),
]);

export function LeftOut({ destinations, dropped }: Pick<AudienceAnswer, "destinations" | "dropped">) {
  const lines = [
    ...dropped.map(({ count: many, name }) => ({ count: many, reason: name, where: "before it was sent" })),
    ...destinations.flatMap(({ label, rejected }) =>
      rejected.map(({ count: many, name }) => ({ count: many, reason: name, where: label })),
    ),
  ];
  return (
    <DataTable
      columns={COLUMNS}
      empty="Nothing was left out or refused."
      label="Left out and refused, by reason"
      rowId={({ reason, where }) => `${where} ${reason}`}
      rows={lines}
    />
  );
}
