// The sessions of a run, and the batches of each with the platform's request ids.
import { byOffset } from "../api/queries";
import type { Batch, Session } from "../api/types";
import { columnsOf, DataTable } from "../parts/DataTable";
import { count, NOTHING, plural, words } from "../parts/format";
import { Csv } from "../parts/Links";
import { Section } from "../parts/Page";
import { PagedTable } from "../parts/PagedTable";
import { StateBadge } from "../parts/States";
import { At } from "../parts/Time";

const session = columnsOf<Session>();

const SESSIONS = session.columns([
  session.accessor("operation", {
    cell: ({ row: { original } }) => (
      <>
        {words(original.operation)}
        <small className="until-md">{plural(original.members, "member")}</small>
      </>
    ),
    header: "Operation",
  }),
  session.accessor("id", { header: "Session", meta: { from: "md", heads: true } }),
  session.accessor("state", { cell: ({ row }) => <StateBadge state={row.original.state} />, header: "State" }),
  session.accessor("members", {
    cell: ({ row }) => count(row.original.members),
    header: "Members",
    meta: { from: "md", numeric: true },
  }),
  session.accessor("rows", {
    cell: ({ row }) => count(row.original.rows),
    header: "Rows",
    meta: { from: "md", numeric: true },
  }),
  session.accessor("batches", {
    cell: ({ row }) => count(row.original.batches),
    header: "Batches",
    meta: { from: "md", numeric: true },
  }),
  session.accessor("polls", {
    cell: ({ row }) => count(row.original.polls),
    header: "Polls",
    meta: { from: "xl", numeric: true, says: "How often the platform was asked whether it has finished" },
  }),
  session.accessor("opened_at", {
    cell: ({ row }) => <At at={row.original.opened_at} />,
    header: "Opened",
    meta: { from: "lg" },
  }),
  session.accessor("settled_at", {
    cell: ({ row }) => <At at={row.original.settled_at} />,
    header: "Settled",
    meta: { from: "lg" },
  }),
]);

export function Sessions({ path, sessions }: { path: string; sessions: readonly Session[] }) {
  return (
    <Section actions={<Csv name="the sessions" path={`${path}/sessions`} />} title="Sessions">
      <DataTable
        columns={SESSIONS}
        detail={({ id }) => <Batches path={`${path}/sessions/${id}/batches`} />}
        empty="Nothing was sent."
        label="Sessions"
        rowId={({ id }) => id}
        rows={sessions}
      />
    </Section>
  );
}

const batch = columnsOf<Batch>();

const BATCHES = batch.columns([
  batch.accessor("sequence", { header: "Batch", meta: { heads: true, numeric: true } }),
  batch.accessor("state", {
    cell: ({ row: { original } }) => (
      <>
        <StateBadge state={original.state} />
        <small className="until-md">{original.request_id}</small>
        {original.accepted != null && <small className="until-md">{count(original.accepted)} accepted</small>}
      </>
    ),
    header: "State",
  }),
  batch.accessor("rows", { cell: ({ row }) => count(row.original.rows), header: "Rows", meta: { from: "md", numeric: true } }),
  batch.accessor("accepted", {
    cell: ({ row }) => count(row.original.accepted),
    header: "Accepted",
    meta: { from: "md", numeric: true },
  }),
  batch.accessor("rejected", {
    cell: ({ row: { original } }) => (
      <>
        {count(original.rejected)}
        {original.reasons.map(({ count: many, name }) => (
          <small key={name}>{`${count(many)} ${words(name)}`}</small>
        ))}
      </>
    ),
    header: "Rejected",
    meta: { from: "md", numeric: true },
  }),
  batch.accessor("attempts", { header: "Attempts", meta: { from: "lg", numeric: true } }),
  batch.accessor("request_id", {
    cell: ({ row }) => row.original.request_id ?? NOTHING,
    header: "Request id",
    meta: { from: "md" },
  }),
  batch.accessor("job", {
    cell: ({ row }) => row.original.job ?? row.original.job_state ?? NOTHING,
    header: "Job",
    meta: { from: "lg" },
  }),
  batch.accessor("sent_at", { cell: ({ row }) => <At at={row.original.sent_at} />, header: "Sent", meta: { from: "lg" } }),
  batch.accessor("received_at", {
    cell: ({ row }) => <At at={row.original.received_at} />,
    header: "Answered",
    meta: { from: "xl" },
  }),
]);

const PAGING = byOffset<Batch>();

function Batches({ path }: { path: string }) {
  return (
    <Section actions={<Csv name="the batches" path={path} />} title="Batches">
      <PagedTable
        columns={BATCHES}
        empty="It has no batches."
        label="Batches"
        maxHeight="24rem"
        paging={PAGING}
        path={path}
        rowId={({ sequence }) => String(sequence)}
      />
    </Section>
  );
}
