// The headings and rows of a DataTable.
import { Box, IconButton, Table, VisuallyHidden } from "@chakra-ui/react";
import type { Column, ReactTable, Row, RowData } from "@tanstack/react-table";
import type { ReactNode } from "react";
import { FiArrowDown, FiArrowUp, FiChevronDown, FiChevronRight } from "react-icons/fi";
import type { Features } from "./DataTable";

interface HeadsProps<T extends RowData> {
  expands: boolean;
  table: ReactTable<Features, T>;
}

export function Heads<T extends RowData>({ expands, table }: HeadsProps<T>) {
  return (
    <Table.Header bg="bg" position="sticky" top={0} zIndex={1}>
      {table.getHeaderGroups().map((group) => (
        <Table.Row aria-rowindex={1} bg="bg" key={group.id}>
          {expands && (
            <Table.ColumnHeader width="10">
              <VisuallyHidden>Details</VisuallyHidden>
            </Table.ColumnHeader>
          )}
          {group.headers.map(({ column, id }) => (
            <Table.ColumnHeader
              aria-sort={ARIA_SORT[column.getIsSorted() || "none"]}
              key={id}
              paddingBlock={1}
              className={place(column)}
              whiteSpace="nowrap"
            >
              {column.getCanSort() ? <Sorter column={column} /> : heading(column)}
            </Table.ColumnHeader>
          ))}
        </Table.Row>
      ))}
    </Table.Header>
  );
}

const ARIA_SORT = { asc: "ascending", desc: "descending", none: undefined } as const;

function Sorter<T extends RowData>({ column }: { column: Column<Features, T> }) {
  const sorted = column.getIsSorted();
  const Arrow = sorted === "asc" ? FiArrowUp : FiArrowDown;
  return (
    <Box
      _focusVisible={{ outline: "2px solid", outlineColor: "brand.focusRing" }}
      alignItems="center"
      asChild
      color={sorted ? "brand.fg" : undefined}
      cursor="pointer"
      display="inline-flex"
      fontWeight="inherit"
      gap={1}
      paddingBlock={1}
    >
      <button onClick={column.getToggleSortingHandler()} title={column.columnDef.meta?.says} type="button">
        {heading(column)}
        <Arrow aria-hidden style={{ opacity: sorted ? 1 : 0.25 }} />
      </button>
    </Box>
  );
}

const heading = <T extends RowData>(column: Column<Features, T>): ReactNode => column.columnDef.header as string;

interface CellsProps<T extends RowData> {
  detail: ((row: T) => ReactNode) | undefined;
  index: number | undefined;
  row: Row<Features, T>;
  table: ReactTable<Features, T>;
}

export function Cells<T extends RowData>({ detail, index, row, table }: CellsProps<T>) {
  const open = row.getIsExpanded();
  const cells = row.getAllCells();
  return (
    <>
      <tr aria-rowindex={index}>
        {detail && (
          <td>
            <IconButton
              aria-expanded={open}
              aria-label={open ? "Hide details" : "Show details"}
              onClick={() => row.toggleExpanded()}
              size="2xs"
              variant="ghost"
            >
              {open ? <FiChevronDown /> : <FiChevronRight />}
            </IconButton>
          </td>
        )}
        {cells.map((cell) => {
          const Kind = cell.column.columnDef.meta?.heads ? "th" : "td";
          return (
            <Kind className={place(cell.column)} key={cell.id} {...(Kind === "th" && { scope: "row" })}>
              <table.FlexRender cell={cell} />
            </Kind>
          );
        })}
      </tr>
      {detail && open && (
        <tr className="detail">
          <td colSpan={cells.length + 1}>{detail(row.original)}</td>
        </tr>
      )}
    </>
  );
}

/** Where a column stands: numbers to the right, and from which width of the screen on. */
function place<T extends RowData>(column: Column<Features, T>): string | undefined {
  const { from, numeric } = column.columnDef.meta ?? {};
  return [from && `from-${from}`, numeric && "numeric"].filter(Boolean).join(" ") || undefined;
}
