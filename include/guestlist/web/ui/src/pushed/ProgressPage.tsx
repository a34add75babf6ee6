// One pushed audience: how far its newest upload is, what each destination has taken, and what may be done with it.
import { Alert, Button, Flex, Progress, Stack, Text } from "@chakra-ui/react";
import { FiRefreshCw, FiTrash2, FiUserPlus } from "react-icons/fi";
import { Link, useParams } from "react-router-dom";
import { pathOf } from "../api/client";
import { useAnswer } from "../api/queries";
import type { Accepted, AudienceAnswer, IntakeAnswer } from "../api/types";
import { Answered } from "../parts/Answered";
import { Confirm } from "../parts/Confirm";
import { Facts } from "../parts/Facts";
import { count, words } from "../parts/format";
import { Csv } from "../parts/Links";
import { Page, Section } from "../parts/Page";
import { StateBadge } from "../parts/States";
import { Ago } from "../parts/Time";
import { pushTo } from "../paths";
import { Destinations } from "./Destinations";
import { LeftOut } from "./LeftOut";

const AT_WORK_MS = 2_000;
const ENDED_MS = 30_000;
const ENDED: readonly AudienceAnswer["status"][] = ["failed", "partial", "ready"];
const afterwards = (answer: AudienceAnswer | undefined): number =>
  answer && ENDED.includes(answer.status) ? ENDED_MS : AT_WORK_MS;

export function ProgressPage() {
  const { id = "" } = useParams();
  const path = pathOf`audiences/${id}`;
  const asked = useAnswer<AudienceAnswer>(path, {}, afterwards);
  const { data } = asked;
  return (
    <Page
      about={data && `Pushed to ${data.intake}`}
      actions={data && !data.deleted && <Actions audience={data} path={path} />}
      title={data?.name ?? "Pushed audience"}
    >
      <Answered asked={asked}>{(audience) => <Content audience={audience} path={path} />}</Answered>
    </Page>
  );
}

interface Props {
  audience: AudienceAnswer;
  path: string;
}

const KINDS = { append: "people added", delete: "everybody taken off", replace: "everybody replaced" };

function Content({ audience, path }: Props) {
  const { dropped, destinations, message, status } = audience;
  return (
    <>
      {message && (
        <Alert.Root flexShrink={0} role="alert" status={status === "failed" ? "error" : "warning"}>
          <Alert.Indicator />
          <Alert.Title>{message}</Alert.Title>
        </Alert.Root>
      )}
      <Bar audience={audience} />
      <Facts
        facts={[
          {
            name: "Rows",
            note: ENDED.includes(status) ? undefined : "guessed until all are read",
            value: count(audience.total_rows),
          },
          { name: "Rows read", value: count(audience.processed_rows) },
          { name: "Rows matched", note: "where most are", value: count(audience.matched_rows) },
          { name: "Newest upload", note: <Ago at={audience.updated_at} />, value: KINDS[audience.mode] },
          { name: "Pushed first", value: <Ago at={audience.created_at} /> },
        ]}
      />
      <Section
        actions={<Csv name="the destinations" path="overview" query={{ segment: audience.segment }} />}
        title="Destinations"
      >
        <Destinations audience={audience} />
      </Section>
      <Section actions={<Csv name="what was left out" path={`${path}/rejections`} />} title="Left out and refused">
        <LeftOut destinations={destinations} dropped={dropped} />
      </Section>
      <Section about="What the columns of its files are called." title="Columns">
        <Facts
          facts={Object.entries(audience.columns).map(([name, { columns, region }]) => ({
            name: words(name),
            note: region && `country: ${region}`,
            value: columns.join(", "),
          }))}
        />
      </Section>
    </>
  );
}

function Bar({ audience: { deleted, progress_percent, status } }: { audience: AudienceAnswer }) {
  return (
    <Progress.Root colorPalette={PALETTES[status]} flexShrink={0} value={progress_percent}>
      <Stack gap={1}>
        <Flex align="center" aria-live="polite" gap={2}>
          <StateBadge state={status} />
          {deleted && <StateBadge state="deleted" />}
          <Text fontVariantNumeric="tabular-nums">{progress_percent} %</Text>
        </Flex>
        <Progress.Track aria-label="Progress">
          <Progress.Range />
        </Progress.Track>
      </Stack>
    </Progress.Root>
  );
}

const PALETTES = {
  failed: "failed",
  partial: "warning",
  pending: "scheduled",
  processing: "running",
  ready: "success",
  syncing: "running",
};

const WHY = "Your role in Airflow may not trigger the DAG of the intake";

function Actions({ audience, path }: Props) {
  const { data: intakes } = useAnswer<IntakeAnswer[]>("intakes");
  const may = intakes?.some(({ name }) => name === audience.intake) ?? false;
  return (
    <>
      <Push icon={<FiRefreshCw aria-hidden />} label="Replace everybody" may={may} to={pushTo(audience, "replace")} />
      <Push icon={<FiUserPlus aria-hidden />} label="Add people" may={may} to={pushTo(audience, "append")} />
      <Confirm<Accepted>
        body={{}}
        done={() => "Everybody is being taken off; this page tells how far it is."}
        icon={<FiTrash2 aria-hidden />}
        label="Delete"
        may={may}
        method="DELETE"
        palette="danger"
        path={path}
        question={`Delete ${audience.name}?`}
        why={WHY}
      >
        Everybody is taken off it at its destinations, and its name is free again.
      </Confirm>
    </>
  );
}

function Push({ icon, label, may, to }: { icon: React.ReactNode; label: string; may: boolean; to: string }) {
  if (!may) {
    return (
      <Button disabled size="sm" title={WHY} variant="outline">
        {icon}
        {label}
      </Button>
    );
  }
  return (
    <Button asChild size="sm" variant="outline">
      <Link to={to}>
        {icon}
        {label}
      </Link>
    </Button>
  );
}
