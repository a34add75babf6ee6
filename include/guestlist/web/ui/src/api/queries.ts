// The questions of the pages, kept for as long as the browser stays on Airflow: its host mounts us anew for every path.
import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ApiError, ask, type Query } from "./client";

const FRESH_MS = 10_000;
const REFRESH_MS = 30_000;
export const PAGE_ROWS = 100;

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchInterval: REFRESH_MS,
      retry: (failures, error) => failures < 1 && !(error instanceof ApiError && error.status < 500),
      staleTime: FRESH_MS,
    },
  },
});

/** One answer, asked for again while the page is looked at; `after` says how soon, where that depends on it. */
export function useAnswer<T>(path: string, query: Query = {}, after: (answer: T | undefined) => number = () => REFRESH_MS) {
  return useQuery({
    placeholderData: keepPreviousData,
    queryFn: () => ask<T>(path, query),
    queryKey: [path, query],
    refetchInterval: ({ state }) => after(state.data as T | undefined),
  });
}

/** How a list goes on. */
export interface Paging<Row, Answer> {
  rows: (answer: Answer) => readonly Row[];
  /** What the next page is asked for with, after so many rows; undefined at the end. */
  next: (last: Answer, read: number) => Query | undefined;
  /** How many rows there are; Infinity where nobody knows, and there are more. */
  total: (last: Answer, read: number) => number;
}

interface Counted<Row> {
  rows: readonly Row[];
  total: number;
}

export const byOffset = <Row>(): Paging<Row, Counted<Row>> => ({
  next: ({ rows, total }, read) => (rows.length > 0 && read < total ? { offset: read } : undefined),
  rows: ({ rows }) => rows,
  total: ({ total }) => total,
});

/** Of answers that say themselves what the next page is asked for with. */
export const byCursor = <Row, Answer>(
  rows: (answer: Answer) => readonly Row[],
  next: (answer: Answer) => Query | undefined,
): Paging<Row, Answer> => ({ next, rows, total: (last, read) => (next(last) ? Infinity : read) });

/** A list that may be long, by pages; `fetchNextPage` gets the next. */
export function usePages<Row, Answer>(path: string, query: Query, paging: Paging<Row, Answer>) {
  const readIn = (all: readonly Answer[]) => all.reduce((read, page) => read + paging.rows(page).length, 0);
  const asked = useInfiniteQuery({
    getNextPageParam: (last: Answer, all) => paging.next(last, readIn(all)),
    initialPageParam: {} as Query,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) => ask<Answer>(path, { ...query, limit: PAGE_ROWS, ...pageParam }),
    queryKey: [path, query, "pages"],
  });
  const last = asked.data?.pages.at(-1);
  return { asked, last, total: last && asked.data ? paging.total(last, readIn(asked.data.pages)) : 0 };
}
