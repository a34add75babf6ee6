// Requests to take people off every audience, and what became of each at each platform.
import { pathOf } from "../api/client";
import { byOffset, usePages } from "../api/queries";
import type { Count, Erasure, ErasureStep } from "../api/types";
import { columnsOf } from "../parts/DataTable";
import { count, nameOf, NOTHING, words } from "../parts/format";
import { Csv, Inner } from "../parts/Links";
import { Page, Section } from "../parts/Page";
import { PagedTable } from "../parts/PagedTable";
import { StateBadge } from "../parts/States";
import { At } from "../parts/Time";
import { audiencePath } from "../paths";

const counts = (all: readonly Count[]): string =>
  all.map(({ count: many, name }) => `${count(many)} ${words(name)}`).join(", ") || NOTHING;

const request = columnsOf<Erasure>();

const REQUESTS = request.columns([
  request.accessor("id", { header: "Request", meta: { heads: true } }),
  request.display({
    cell: ({ row }) => <StateBadge state={row.original.closed_at ? "closed" : "open"} />,
    header: "State",
    id: "state",
  }),
  request.accessor("people", { cell: ({ row }) => count(row.original.people), header: "People", meta: { numeric: true } }),
  request.display({ cell: ({ row }) => counts(row.original.given), header: "Keys given", id: "given", meta: { from: "lg" } }),
  request.display({
    cell: ({ row }) => counts(row.original.outcomes),
    header: "Outcomes",
    id: "outcomes",
    meta: { from: "lg" },
  }),
  request.display({
    cell: ({ row }) => row.original.receipts.join(", ") || NOTHING,
    header: "Receipts",
    id: "receipts",
    meta: { from: "xl" },
  }),
  request.accessor("entered_at", {
    cell: ({ row }) => <At at={row.original.entered_at} />,
    header: "Entered",
    meta: { from: "md" },
  }),
  request.accessor("closed_at", {
    cell: ({ row }) => <At at={row.original.closed_at} />,
    header: "Closed",
    meta: { from: "lg" },
  }),
]);

const step = columnsOf<ErasureStep>();

const STEPS = step.columns([
  step.accessor("segment", {
    cell: ({ row: { original } }) => (
      <>
        <Inner to={audiencePath(original.segment, original.destination)}>{nameOf(original)}</Inner>
        <small>
          {original.destination}
          {original.former && ", a former audience"}
        </small>
      </>
    ),
    header: "Audience",
    meta: { heads: true },
  }),
  step.accessor((row) => row.outcome ?? "open", {
    cell: ({ row: { original } }) => (
      <>
        <StateBadge state={original.outcome ?? "open"} />
        {original.reason && <small>{original.reason}</small>}
      </>
    ),
    header: "Outcome",
    id: "outcome",
  }),
  step.accessor((row) => (row.outcome === null ? NOTHING : row.found ? "yes" : "no"), {
    header: "Was on it",
    id: "found",
    meta: { from: "md" },
  }),
  step.display({
    cell: ({ row }) => counts(row.original.removed),
    header: "Keys removed",
    id: "removed",
    meta: { from: "md" },
  }),
  step.display({
    cell: ({ row }) => row.original.request_ids.join(", ") || NOTHING,
    header: "Request ids",
    id: "request_ids",
    meta: { from: "lg" },
  }),
  step.accessor((row) => row.at ?? undefined, {
    cell: ({ row }) => <At at={row.original.at} />,
    header: "At",
    id: "at",
    meta: { from: "lg" },
  }),
]);

const REQUESTS_PAGING = byOffset<Erasure>();
const STEPS_PAGING = byOffset<ErasureStep>();

export function ErasuresPage() {
  const { last: seen } = usePages("erasures", {}, REQUESTS_PAGING);
  return (
    <Page
      about="People taken off every audience, with receipts: counts alone"
      actions={seen && <Csv name="the erasures" path="erasures" />}
      title="Erasures"
    >
      <PagedTable
        columns={REQUESTS}
        detail={({ id }) => <Steps path={pathOf`erasures/${id}/steps`} />}
        empty="Nobody has asked to be erased."
        label="Erasures"
        paging={REQUESTS_PAGING}
        path="erasures"
        rowId={({ id }) => id}
      />
    </Page>
  );
}

function Steps({ path }: { path: string }) {
  return (
    <Section actions={<Csv name="the steps" path={path} />} title="Audiences">
      <PagedTable
        columns={STEPS}
        empty="No audience had to be asked."
        label="Audiences of the request"
        maxHeight="24rem"
        paging={STEPS_PAGING}
        path={path}
        rowId={({ destination, former, segment }) => `${segment}/${destination}/${former}`}
      />
    </Section>
  );
}
