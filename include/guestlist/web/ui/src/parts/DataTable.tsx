// A table that can be sorted, with TanStack Table: short ones whole, long ones with only the rows in sight.
import { Box, Table, Text } from "@chakra-ui/react";
import {
  createColumnHelper,
  createExpandedRowModel,
  createSortedRowModel,
  metaHelper,
  type Row,
  type RowData,
  rowExpandingFeature,
  rowSortingFeature,
  type SortingState,
  sortFn_alphanumeric,
  sortFn_text,
  type TableOptions,
  tableFeatures,
  type Updater,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Fragment, type ReactNode, useEffect, useRef } from "react";
import { Cells, Heads } from "./Cells";

interface ColumnMeta {
  /** Left out on screens narrower than this. */
  from?: "md" | "lg" | "xl";
  /** What the row is about, for screen readers. */
  heads?: boolean;
  numeric?: boolean;
  /** What the heading means, shown to who points at it. */
  says?: string;
}

const features = tableFeatures({
  columnMeta: metaHelper<ColumnMeta>(),
  expandedRowModel: createExpandedRowModel(),
  rowExpandingFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text },
});

export type Features = typeof features;
export type Columns<T extends RowData> = TableOptions<Features, T>["columns"];
export const columnsOf = <T extends RowData>() => createColumnHelper<Features, T>();

const ROW_PIXELS = 57;
const AHEAD_ROWS = 6;
const UNSORTED: SortingState = [];

interface Props<T extends RowData> {
  /** What stands in it, for screen readers. */
  label: string;
  columns: Columns<T>;
  rows: readonly T[];
  rowId: (row: T) => string;
  /** What it says without rows. */
  empty: string;
  /** More of a row, which then can be opened. */
  detail?: (row: T) => ReactNode;
  /** Set where the server sorts. */
  sorting?: SortingState;
  onSorting?: (sorting: SortingState) => void;
  /** Set where it scrolls by itself: of how many rows those here are the first; Infinity where nobody knows. */
  total?: number;
  /** Of one that scrolls; without it, it fills what its column leaves. */
  maxHeight?: string;
  /** The last row that is here comes into sight. */
  onEnd?: () => void;
}

export function DataTable<T extends RowData>(props: Props<T>) {
  const { columns, detail, empty, label, maxHeight, onEnd, onSorting, rowId, rows, sorting, total } = props;
  const long = total !== undefined;
  const served = sorting && onSorting;
  const table = useTable<Features, T>({
    columns,
    data: rows as T[],
    defaultColumn: { sortUndefined: "last" },
    enableSorting: served !== undefined || !long || rows.length === total, // of a part nobody knows the order
    enableSortingRemoval: false,
    features,
    getRowCanExpand: () => detail !== undefined,
    getRowId: rowId,
    ...(served && {
      manualSorting: true,
      onSortingChange: (change: Updater<SortingState>) => onSorting(typeof change === "function" ? change(sorting) : change),
      state: { sorting },
    }),
    initialState: { sorting: UNSORTED },
  });
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = table.getRowModel().rows;
  const { after, before, first, inSight } = useSight(sorted, long, scroller);
  const atEnd = first + inSight.length >= sorted.length;
  useEffect(() => {
    if (long && atEnd && sorted.length < total) onEnd?.();
  }, [long, atEnd, sorted.length, total, onEnd]);

  if (rows.length === 0) return <Text color="fg.muted">{empty}</Text>;
  return (
    <Box
      _focusVisible={{ outline: "2px solid", outlineColor: "brand.focusRing" }}
      aria-label={label}
      {...(long && (maxHeight ? { maxHeight } : { flex: 1, minHeight: "20rem" }))}
      overflow="auto"
      ref={scroller}
      role="region"
      tabIndex={0}
    >
      <Table.Root aria-label={label} aria-rowcount={long ? (total === Infinity ? -1 : total + 1) : undefined} size="sm">
        <Heads expands={detail !== undefined} table={table} />
        <Table.Body>
          <Gap height={before} />
          {inSight.map((row, place) => (
            <Fragment key={row.id}>
              <Cells detail={detail} index={long ? first + place + 2 : undefined} row={row} table={table} />
            </Fragment>
          ))}
          <Gap height={after} />
        </Table.Body>
      </Table.Root>
    </Box>
  );
}

/** The rows that are in sight, and the pixels of those before and after them. */
function useSight<T extends RowData>(
  rows: Row<Features, T>[],
  long: boolean,
  scroller: React.RefObject<HTMLDivElement | null>,
) {
  const virtual = useVirtualizer({
    count: rows.length,
    enabled: long,
    estimateSize: () => ROW_PIXELS,
    getScrollElement: () => scroller.current,
    overscan: AHEAD_ROWS,
  });
  if (!long) return { after: 0, before: 0, first: 0, inSight: rows };
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  return {
    after: virtual.getTotalSize() - (items.at(-1)?.end ?? 0),
    before: items[0]?.start ?? 0,
    first,
    inSight: rows.slice(first, first + items.length),
  };
}

/** Stands for rows that are out of sight. */
function Gap({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td style={{ height, padding: 0 }} />
    </tr>
  );
}
