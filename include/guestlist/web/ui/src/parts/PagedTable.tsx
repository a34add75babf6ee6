// A list of the API as a table that gets the next page when the last row comes into sight.
import type { RowData, SortingState } from "@tanstack/react-table";
import { type ReactNode, useCallback, useMemo } from "react";
import type { Query } from "../api/client";
import { type Paging, usePages } from "../api/queries";
import { Answered } from "./Answered";
import { type Columns, DataTable } from "./DataTable";

interface Props<Row extends RowData, Answer> {
  path: string;
  query?: Query;
  paging: Paging<Row, Answer>;
  columns: Columns<Row>;
  label: string;
  empty: string;
  rowId: (row: Row) => string;
  detail?: (row: Row) => ReactNode;
  maxHeight?: string;
  sorting?: SortingState;
  onSorting?: (sorting: SortingState) => void;
}

export function PagedTable<Row extends RowData, Answer>({ paging, path, query = {}, ...table }: Props<Row, Answer>) {
  const { asked, total } = usePages(path, query, paging);
  const rows = useMemo(() => asked.data?.pages.flatMap(paging.rows) ?? [], [asked.data, paging]);
  const { fetchNextPage, isFetching } = asked;
  const onEnd = useCallback(() => {
    if (!isFetching) fetchNextPage();
  }, [isFetching, fetchNextPage]);
  return <Answered asked={asked}>{() => <DataTable {...table} onEnd={onEnd} rows={rows} total={total} />}</Answered>;
}
