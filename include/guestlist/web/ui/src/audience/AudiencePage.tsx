// One audience: how it stands, how it came to that, and what a person may do about it.
import { Alert, Flex, Stack, Text } from "@chakra-ui/react";
import { useParams } from "react-router-dom";
import { pathOf } from "../api/client";
import { useAnswer } from "../api/queries";
import type { Audience, Run } from "../api/types";
import { Answered } from "../parts/Answered";
import { Facts } from "../parts/Facts";
import { count, moment, nameOf, NOTHING, size } from "../parts/format";
import { Csv, Inner, Outer } from "../parts/Links";
import { Page, Section } from "../parts/Page";
import { StatusBadge } from "../parts/States";
import { Ago } from "../parts/Time";
import { pushedPath, runPath } from "../paths";
import { Reasons } from "../run/Reasons";
import { Actions } from "./Actions";
import { History } from "./History";
import { LineageSection } from "./LineagePicture";
import { Runs } from "./Runs";
import { WaitingPlan } from "./WaitingPlan";

export function AudiencePage() {
  const { destination = "", segment = "" } = useParams();
  const path = pathOf`segments/${segment}/destinations/${destination}`;
  const asked = useAnswer<Audience>(path);
  const { data } = asked;
  return (
    <Page
      about={data && <About page={data} />}
      actions={data && !data.audience.pushed && <Actions audience={data.audience} />}
      title={`${data ? nameOf(data.audience) : segment} on ${data?.audience.platform_title ?? destination}`}
    >
      <Answered asked={asked}>{(page) => <Content page={page} path={path} />}</Answered>
    </Page>
  );
}

function About({ page: { audience, audience_url, dag_url, description } }: { page: Audience }) {
  return (
    <Stack gap={1}>
      {description && <Text>{description}</Text>}
      <Flex align="center" gap={3} wrap="wrap">
        <StatusBadge status={audience.status} />
        {audience_url ? <Outer href={audience_url}>{audience.audience}</Outer> : <Text>{audience.audience}</Text>}
        <Text>{audience.mode}</Text>
        <Text>{audience.connection}</Text>
        {audience.pushed && <Inner to={pushedPath(audience.pushed.id)}>{`pushed to ${audience.pushed.intake}`}</Inner>}
        <Inner to={dag_url}>DAG</Inner>
        {audience.run_url && <Inner to={audience.run_url}>last DAG run</Inner>}
      </Flex>
      {audience.why && <Text>{audience.why}</Text>}
    </Stack>
  );
}

function Content({ page, path }: { page: Audience; path: string }) {
  const { audience, problem, runs, waiting } = page;
  const newest = runs[0];
  return (
    <>
      {problem && (
        <Alert.Root flexShrink={0} status="warning">
          <Alert.Indicator />
          <Alert.Title>{problem}</Alert.Title>
        </Alert.Root>
      )}
      {waiting && <WaitingPlan may={audience.can_approve} path={path} waiting={waiting} />}
      <Facts facts={factsOf(page)} />
      <History audience={page} path={path} />
      <Runs audience={audience} path={path} />
      {newest && (
        <NewestRun path={path} run={newest.run_id} to={runPath(audience.segment, audience.destination, newest.run_id)} />
      )}
      <LineageSection path={path} />
    </>
  );
}

function factsOf({ audience, owner, schedule }: Audience) {
  const next = [
    {
      name: "Next run",
      note: schedule.paused ? "until somebody unpauses the DAG" : schedule.next_run_at && moment(schedule.next_run_at),
      value: schedule.paused ? "paused" : <Ago at={schedule.next_run_at} />,
    },
    { name: "Schedule", note: schedule.in_words, value: schedule.text ?? "by hand" },
  ];
  return [
    {
      name: "On the platform",
      note: audience.size_at && <Ago at={audience.size_at} />,
      value: size(audience.size, audience.size_high),
    },
    { name: "Held, by receipts", value: count(audience.members) },
    { name: "Wanted", value: count(audience.wanted) },
    { name: "Match rate", value: audience.match_rate_told ?? NOTHING },
    { name: "Last sealed", note: audience.late && "late", value: <Ago at={audience.sealed_at} /> },
    ...(audience.pushed ? [{ name: "Schedule", value: "when it is pushed" }] : next),
    { name: "Owner", value: owner ?? NOTHING },
  ];
}

function NewestRun({ path, run, to }: { path: string; run: string; to: string }) {
  const below = `${path}/${pathOf`runs/${run}`}`;
  const asked = useAnswer<Run>(below);
  return (
    <Section
      about={<Inner to={to}>Its sessions and batches, with request ids</Inner>}
      actions={<Csv name="the reasons" path={`${below}/reasons`} />}
      title="Left out and refused in the newest run"
    >
      <Answered asked={asked}>{({ reasons }) => <Reasons reasons={reasons} />}</Answered>
    </Section>
  );
}
