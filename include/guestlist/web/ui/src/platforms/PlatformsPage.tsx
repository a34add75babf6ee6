// The connections to platforms: their checks, how much of their rate is used, their documented limits, and what failed last.
import { Badge, Card, Grid, Heading, HStack, List, Progress, Stack, Text } from "@chakra-ui/react";
import { useAnswer } from "../api/queries";
import type { ConnectionRow, Platforms, TaskError } from "../api/types";
import { Answered } from "../parts/Answered";
import { count, duration, plural } from "../parts/format";
import { Csv, Inner, Outer } from "../parts/Links";
import { Page } from "../parts/Page";
import { Ago } from "../parts/Time";

export function PlatformsPage() {
  const asked = useAnswer<Platforms>("platforms");
  return (
    <Page
      about={asked.data && plural(asked.data.rows.length, "connection")}
      actions={asked.data && <Csv name="the platforms" path="platforms" />}
      title="Platforms"
    >
      <Answered asked={asked}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Text color="fg.muted">No segment delivers to a platform yet.</Text>
          ) : (
            <Grid gap={4} templateColumns="repeat(auto-fill, minmax(min(24rem, 100%), 1fr))">
              {rows.map((row) => (
                <Connection key={row.connection} row={row} />
              ))}
            </Grid>
          )
        }
      </Answered>
    </Page>
  );
}

function Connection({ row }: { row: ConnectionRow }) {
  return (
    <Card.Root as="section" bg="bg" size="sm">
      <Card.Header>
        <HStack justify="space-between">
          <Heading as="h2" size="md">
            {row.platform_title}
          </Heading>
          <CheckBadge row={row} />
        </HStack>
        <Text color="fg.muted" fontSize="sm">
          {row.connection}, {plural(row.audiences, "audience")} of {plural(row.segments.length, "segment")}, last sealed{" "}
          <Ago at={row.last_sealed_at} />
        </Text>
      </Card.Header>
      <Card.Body gap={4}>
        <Findings row={row} />
        <Budget row={row} />
        <Limits row={row} />
        <Errors errors={row.errors} />
      </Card.Body>
    </Card.Root>
  );
}

function CheckBadge({ row: { check } }: { row: ConnectionRow }) {
  if (!check) return <Badge colorPalette="none">never checked</Badge>;
  return <Badge colorPalette={check.ok ? "success" : "failed"}>{check.ok ? "check passed" : "check failed"}</Badge>;
}

function Findings({ row: { check } }: { row: ConnectionRow }) {
  if (!check) return null;
  return (
    <Stack gap={1}>
      <Text color="fg.muted" fontSize="xs">
        Checked <Ago at={check.at} />
      </Text>
      <List.Root fontSize="sm" paddingInlineStart={4}>
        {check.findings.map(({ mend, ok, what }) => (
          <List.Item key={what}>
            {ok ? what : <strong>Not so: {what}</strong>}
            {mend && <Text>{mend}</Text>}
          </List.Item>
        ))}
      </List.Root>
    </Stack>
  );
}

const HOUR = 3600;

function Budget({ row }: { row: ConnectionRow }) {
  const whole = row.rates.filter(({ path }) => path === "").map(({ requests, seconds }) => (requests * HOUR) / seconds);
  const most = Math.min(...whole);
  return (
    <Stack gap={1}>
      <Text fontSize="sm">
        {plural(row.requests_last_hour, "request")} in the last hour
        {Number.isFinite(most) && ` of at most ${count(Math.floor(most))}`}, {count(row.requests_last_day)} in the last day
      </Text>
      {Number.isFinite(most) && (
        <Progress.Root
          aria-label={`Rate budget of ${row.connection}`}
          colorPalette={row.requests_last_hour > most * 0.8 ? "warning" : "brand"}
          max={most}
          size="sm"
          value={Math.min(row.requests_last_hour, most)}
        >
          <Progress.Track>
            <Progress.Range />
          </Progress.Track>
        </Progress.Root>
      )}
    </Stack>
  );
}

function Limits({ row }: { row: ConnectionRow }) {
  const rates = row.rates.map(({ path, requests, seconds }) => ({
    name: path ? `requests to ${path}` : "requests",
    value: `${count(requests)} in ${duration(seconds)}`,
  }));
  return (
    <Stack gap={1}>
      <Heading as="h3" size="sm">
        Documented limits
      </Heading>
      <Grid as="dl" columnGap={3} fontSize="sm" templateColumns="auto 1fr">
        {[...rates, ...row.limits].flatMap(({ name, value }) => [
          <Text as="dt" color="fg.muted" key={`${name} ${value} name`}>
            {name}
          </Text>,
          <Text as="dd" key={`${name} ${value}`} margin={0} textAlign="end">
            {value}
          </Text>,
        ])}
      </Grid>
      <Text fontSize="sm">
        <Outer href={row.docs}>{row.platform_title} documentation</Outer>
      </Text>
    </Stack>
  );
}

function Errors({ errors }: { errors: readonly TaskError[] }) {
  return (
    <Stack gap={1}>
      <Heading as="h3" size="sm">
        Last errors
      </Heading>
      {errors.length === 0 && (
        <Text color="fg.muted" fontSize="sm">
          None.
        </Text>
      )}
      <List.Root fontSize="sm" gap={2} paddingInlineStart={4}>
        {errors.map((error) => (
          <List.Item key={`${error.at} ${error.task}`}>
            {error.sentence}
            <Text color="fg.muted" fontSize="xs">
              {error.kind}, <Inner to={error.run_url}>{`${error.segment}: ${error.task}`}</Inner>, <Ago at={error.at} />
            </Text>
          </List.Item>
        ))}
      </List.Root>
    </Stack>
  );
}
