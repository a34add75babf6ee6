// The plan that a guard stopped: its numbers, and the two buttons that decide on it.
import { Heading, HStack, List, Stack, Text } from "@chakra-ui/react";
import { FiCheck, FiX } from "react-icons/fi";
import type { Decided, DecisionRequest, Waiting } from "../api/types";
import { Confirm } from "../parts/Confirm";
import { Facts } from "../parts/Facts";
import { count, words } from "../parts/format";
import { Inner } from "../parts/Links";
import { At } from "../parts/Time";

interface Props {
  may: boolean;
  path: string;
  waiting: Waiting;
}

export function WaitingPlan({ may, path, waiting }: Props) {
  return (
    <Stack
      as="section"
      borderColor="awaiting_input.solid"
      borderInlineStartWidth="4px"
      borderRadius="md"
      borderWidth="1px"
      flexShrink={0}
      gap={3}
      padding={4}
    >
      <Heading as="h2" size="md">
        {waiting.decided ? `Plan ${waiting.plan}: ${waiting.decided.decision}` : `Plan ${waiting.plan} waits for approval`}
      </Heading>
      <List.Root paddingInlineStart={4}>
        {waiting.breaches.map((breach) => (
          <List.Item key={breach.text}>
            {breach.text}
            {breach.hint && <Text color="fg.muted">{breach.hint}</Text>}
          </List.Item>
        ))}
      </List.Root>
      <Facts facts={waiting.numbers.map(({ count: many, name }) => ({ name: words(name), value: count(many) }))} />
      <Text>
        Planned <At at={waiting.planned_at} />. Nothing of it was sent.{" "}
        {waiting.page_url && <Inner to={waiting.page_url}>Airflow's page of the question, with a masked sample</Inner>}
      </Text>
      {!waiting.decided && (
        <HStack wrap="wrap">
          <Decide decision="approve" may={may} path={path} plan={waiting.plan} />
          <Decide decision="reject" may={may} path={path} plan={waiting.plan} />
          {!may && <Text color="fg.muted">{WHY}.</Text>}
        </HStack>
      )}
    </Stack>
  );
}

const WHY = "Your role in Airflow may not answer this DAG's questions";

const WAYS = {
  approve: {
    icon: <FiCheck aria-hidden />,
    label: "Approve",
    palette: "success",
    outcome: "The run goes on and sends what the plan says.",
  },
  reject: {
    icon: <FiX aria-hidden />,
    label: "Reject",
    palette: "danger",
    outcome: "Nothing of the plan is sent, and the run ends red.",
  },
} as const;

interface DecideProps {
  decision: DecisionRequest["decision"];
  may: boolean;
  path: string;
  plan: number;
}

function Decide({ decision, may, path, plan }: DecideProps) {
  const { icon, label, palette, outcome } = WAYS[decision];
  return (
    <Confirm<Decided>
      body={{ decision, plan } satisfies DecisionRequest}
      done={(decided) => `${decided.who}: ${decided.next}`}
      icon={icon}
      label={label}
      may={may}
      palette={palette}
      path={`${path}/approval`}
      question={`${label} plan ${plan}?`}
      why={WHY}
    >
      {outcome} The ledger keeps that you decided it.
    </Confirm>
  );
}
