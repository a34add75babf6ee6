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

/** One answer, asked for again while the page is looked at. */
export function useAnswer<T>(path: string, query: Query = {}) {
  return useQuery({ placeholderData: keepPreviousData, queryFn: () => ask<T>(path, query), queryKey: [path, query] });
}

/** A list that may be long, by pages; `fetchNextPage` gets the next. */
export function usePages<Row, Answer extends { rows: readonly Row[]; total: number }>(path: string, query: Query = {}) {
  return useInfiniteQuery({
    getNextPageParam: (last: Answer, all) => {
      const read = all.reduce((rows, page) => rows + page.rows.length, 0);
      return last.rows.length > 0 && read < last.total ? read : undefined;
    },
    initialPageParam: 0,
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) => ask<Answer>(path, { ...query, limit: PAGE_ROWS, offset: pageParam }),
    queryKey: [path, query, "pages"],
  });
}
