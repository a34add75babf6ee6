// A list of the API as a table that gets the next page when the last row comes into sight.
import type { RowData, SortingState } from "@tanstack/react-table";
import { type ReactNode, useCallback, useMemo } from "react";
import type { Query } from "../api/client";
import { usePages } from "../api/queries";
import { Answered } from "./Answered";
import { type Columns, DataTable } from "./DataTable";

interface Answer<Row> {
  rows: readonly Row[];
  total: number;
}

interface Props<Row extends RowData> {
  path: string;
  query?: Query;
  columns: Columns<Row>;
  label: string;
  empty: string;
  rowId: (row: Row) => string;
  detail?: (row: Row) => ReactNode;
  maxHeight?: string;
  sorting?: SortingState;
  onSorting?: (sorting: SortingState) => void;
}

export function PagedTable<Row extends RowData>({ path, query, ...table }: Props<Row>) {
  const asked = usePages<Row, Answer<Row>>(path, query);
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.rows) ?? [], [asked.data]);
  const { fetchNextPage, isFetching } = asked;
  const onEnd = useCallback(() => {
    if (!isFetching) fetchNextPage();
  }, [isFetching, fetchNextPage]);
  return (
    <Answered asked={asked}>
      {({ pages }) => <DataTable {...table} onEnd={onEnd} rows={rows} total={pages.at(-1)?.total ?? 0} />}
    </Answered>
  );
}
