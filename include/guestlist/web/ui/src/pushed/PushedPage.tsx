// All that was pushed, the newest first.
import { Button } from "@chakra-ui/react";
import { FiUpload } from "react-icons/fi";
import { Link } from "react-router-dom";
import { byCursor, useAnswer, usePages } from "../api/queries";
import type { Audiences, IntakeAnswer, ListedAudience } from "../api/types";
import { columnsOf } from "../parts/DataTable";
import { Csv, Inner } from "../parts/Links";
import { Page } from "../parts/Page";
import { PagedTable } from "../parts/PagedTable";
import { StateBadge } from "../parts/States";
import { Ago, At } from "../parts/Time";
import { PUSH, pushedPath } from "../paths";

const column = columnsOf<ListedAudience>();

const COLUMNS = column.columns([
  column.accessor("name", {
    cell: ({ row: { original } }) => (
      <>
        <Inner to={pushedPath(original.id)}>{original.name}</Inner>
        <small>pushed to {original.intake}</small>
      </>
    ),
    header: "Audience",
    meta: { heads: true },
  }),
  column.accessor("status", {
    cell: ({ row: { original } }) => (
      <>
        <StateBadge state={original.status} />
        {original.deleted && <small>deleted</small>}
      </>
    ),
    header: "State",
  }),
  column.accessor("updated_at", { cell: ({ row }) => <Ago at={row.original.updated_at} />, header: "Last change" }),
  column.accessor("created_at", {
    cell: ({ row }) => <At at={row.original.created_at} />,
    header: "Pushed first",
    meta: { from: "md" },
  }),
]);

const PAGING = byCursor<ListedAudience, Audiences>(
  ({ audiences }) => audiences,
  ({ next_cursor }) => (next_cursor === null ? undefined : { cursor: next_cursor }),
);

export function PushedPage() {
  const { data: intakes } = useAnswer<IntakeAnswer[]>("intakes");
  const { last: seen } = usePages("audiences", {}, PAGING);
  return (
    <Page
      about="Audiences whose people were pushed as a file"
      actions={
        <>
          {seen && <Csv name="what was pushed" path="audiences" />}
          <Push may={intakes !== undefined} />
        </>
      }
      title="Pushed audiences"
    >
      <PagedTable
        columns={COLUMNS}
        empty="Nothing was pushed yet."
        label="Pushed audiences"
        paging={PAGING}
        path="audiences"
        rowId={({ id }) => id}
      />
    </Page>
  );
}

function Push({ may }: { may: boolean }) {
  const face = (
    <>
      <FiUpload aria-hidden />
      Push an audience
    </>
  );
  return may ? (
    <Button asChild colorPalette="brand" size="sm">
      <Link to={PUSH}>{face}</Link>
    </Button>
  ) : (
    <Button disabled size="sm" title="Your role in Airflow may not trigger the DAG of an intake" variant="outline">
      {face}
    </Button>
  );
}
