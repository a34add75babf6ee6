// One run of an audience: its numbers, what was decided, what was left out, and every request.
import { List } from "@chakra-ui/react";
import { useParams } from "react-router-dom";
import { pathOf } from "../api/client";
import { useAnswer } from "../api/queries";
import type { Run, RunRow } from "../api/types";
import { Answered } from "../parts/Answered";
import { Facts } from "../parts/Facts";
import { count, duration, NOTHING, plural } from "../parts/format";
import { Csv, Inner } from "../parts/Links";
import { Page, Section } from "../parts/Page";
import { StateBadge } from "../parts/States";
import { At } from "../parts/Time";
import { audiencePath } from "../paths";
import { Reasons } from "./Reasons";
import { Sessions } from "./Sessions";

export function RunPage() {
  const { destination = "", run = "", segment = "" } = useParams();
  const path = pathOf`segments/${segment}/destinations/${destination}/runs/${run}`;
  const asked = useAnswer<Run>(path);
  const url = asked.data?.run.url;
  return (
    <Page
      about={
        <>
          Run of <Inner to={audiencePath(segment, destination)}>{`${segment} on ${destination}`}</Inner>
          {url && (
            <>
              {", "}
              <Inner to={url}>DAG run</Inner>
            </>
          )}
        </>
      }
      title={run}
    >
      <Answered asked={asked}>{(answer) => <Content answer={answer} path={path} />}</Answered>
    </Page>
  );
}

function Content({ answer: { decisions, reasons, run, sessions }, path }: { answer: Run; path: string }) {
  return (
    <>
      <Facts facts={factsOf(run)} />
      {decisions.length > 0 && (
        <Section title="Decisions">
          <List.Root paddingInlineStart={4}>
            {decisions.map(({ at, decision, plan, who }) => (
              <List.Item key={`${plan} ${at}`}>
                <StateBadge state={decision} /> plan {plan}, {who}, <At at={at} />
              </List.Item>
            ))}
          </List.Root>
        </Section>
      )}
      <Sessions path={path} sessions={sessions} />
      <Section actions={<Csv name="the reasons" path={`${path}/reasons`} />} title="Left out and refused">
        <Reasons reasons={reasons} />
      </Section>
    </>
  );
}

function factsOf(run: RunRow) {
  const people = (["held", "wanted", "added", "removed", "renewed"] as const).map((name) => ({
    name: NAMES[name],
    value: count(run[name]),
  }));
  const rows = (["rows_planned", "rows_accepted", "rejected", "unconfirmed", "unsent"] as const).map((name) => ({
    name: NAMES[name],
    value: count(run[name]),
  }));
  return [
    { name: "State", note: run.dry && "dry run", value: <StateBadge state={run.state} /> },
    { name: "Started", value: <At at={run.started_at} /> },
    {
      name: "Duration",
      note: run.waited_seconds != null && `${duration(run.waited_seconds)} waiting`,
      value: duration(run.seconds),
    },
    { name: "Rows read", note: run.dropped != null && `${count(run.dropped)} left out`, value: count(run.read) },
    ...people,
    ...rows,
    { name: "Requests", note: run.batches != null && plural(run.batches, "batch", "batches"), value: count(run.requests) },
    { name: "Match rate", value: run.match_rate_told ?? NOTHING },
    {
      name: "Opt-out to receipt",
      note: run.opt_out_worst_seconds != null && `worst ${duration(run.opt_out_worst_seconds)}`,
      value: duration(run.opt_out_median_seconds),
    },
  ];
}

const NAMES = {
  added: "Added",
  held: "Held before",
  rejected: "Rows rejected",
  removed: "Removed",
  renewed: "Renewed",
  rows_accepted: "Rows accepted",
  rows_planned: "Rows planned",
  unconfirmed: "Rows unconfirmed",
  unsent: "Rows unsent",
  wanted: "Wanted",
};
