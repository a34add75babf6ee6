// Plans that a guard stopped, and what was decided on them.
import { Flex } from "@chakra-ui/react";
import { useSearchParams } from "react-router-dom";
import { byCursor } from "../api/queries";
import type { GuardRow, Guards } from "../api/types";
import { columnsOf } from "../parts/DataTable";
import { nameOf, NOTHING } from "../parts/format";
import { Csv, Inner } from "../parts/Links";
import { OneOf } from "../parts/OneOf";
import { Page } from "../parts/Page";
import { PagedTable } from "../parts/PagedTable";
import { Search } from "../parts/Search";
import { StateBadge } from "../parts/States";
import { At } from "../parts/Time";
import { audiencePath } from "../paths";

const column = columnsOf<GuardRow>();

const COLUMNS = column.columns([
  column.display({
    cell: ({ row: { original } }) => (
      <>
        <Inner to={audiencePath(original.segment, original.destination)}>{nameOf(original)}</Inner>
        <small>
          {original.destination}, plan {original.plan}
        </small>
      </>
    ),
    header: "Audience",
    id: "segment",
    meta: { heads: true },
  }),
  column.display({
    cell: ({ row: { original } }) => (
      <>
        <StateBadge state={original.outcome} />
        <small className="until-md">{original.text}</small>
      </>
    ),
    header: "Outcome",
    id: "outcome",
  }),
  column.display({
    cell: ({ row: { original } }) => (
      <>
        {original.text}
        {original.hint && <small>{original.hint}</small>}
      </>
    ),
    header: "Guard",
    id: "guard",
    meta: { from: "md" },
  }),
  column.display({
    cell: ({ row: { original } }) => (
      <>
        {original.who ?? NOTHING}
        <small>{original.decided_at && <At at={original.decided_at} />}</small>
      </>
    ),
    header: "Decided by",
    id: "who",
    meta: { from: "lg" },
  }),
  column.display({
    cell: ({ row: { original } }) =>
      original.run_url ? (
        <Inner label={`Run of plan ${original.plan}`} to={original.run_url}>
          <At at={original.planned_at} />
        </Inner>
      ) : (
        <At at={original.planned_at} />
      ),
    header: "Planned",
    id: "planned_at",
    meta: { from: "lg" },
  }),
]);

const OUTCOMES: readonly GuardRow["outcome"][] = ["waiting", "approved", "rejected", "expired", "superseded", "dry"];

const PAGING = byCursor<GuardRow, Guards>(
  ({ rows }) => rows,
  ({ next }) => (next === null ? undefined : { before: next }),
);

export function GuardsPage() {
  const [address, setAddress] = useSearchParams();
  const query = { outcome: address.get("outcome") ?? "", search: address.get("search") ?? "" };
  const change = (to: Partial<typeof query>) => {
    const chosen = Object.entries({ ...query, ...to }).filter(([, value]) => value !== "");
    setAddress(new URLSearchParams(chosen), { replace: true });
  };
  return (
    <Page
      about="Plans that would have changed more than their segment allows"
      actions={<Csv name="the guards" path="guards" query={query} />}
      title="Guards"
    >
      <Flex flexShrink={0} gap={3} wrap="wrap">
        <Search
          change={(search) => change({ search })}
          label="Search audiences, guards and who decided"
          search={query.search}
        />
        <OneOf
          all="All outcomes"
          change={(outcome) => change({ outcome })}
          chosen={query.outcome}
          label="Outcome"
          values={OUTCOMES}
        />
      </Flex>
      <PagedTable
        columns={COLUMNS}
        empty={query.outcome || query.search ? "No plan is like that." : "No guard has stopped a plan."}
        label="Guards"
        paging={PAGING}
        path="guards"
        query={query}
        rowId={({ guard, plan, text }) => `${plan} ${guard} ${text}`}
      />
    </Page>
  );
}
