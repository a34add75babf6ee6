// What a look at the file found: its columns and what they are used for, its first rows, and what platforms could match.
import { Alert, Text } from "@chakra-ui/react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Preview } from "../api/types";
import { Answered } from "../parts/Answered";
import { plural, words } from "../parts/format";
import { Section } from "../parts/Page";
import { FirstRows } from "./FirstRows";
import { MappingChoice } from "./MappingChoice";
import { Readiness } from "./Readiness";
import { fixedMapping, type Wish } from "./wish";

interface Props {
  change: (to: Partial<Wish>) => void;
  looked: UseQueryResult<Preview | null>;
  wish: Wish;
}

export function Look({ change, looked, wish }: Props) {
  if (looked.fetchStatus === "idle" && looked.isPending) return null;
  return (
    <Answered asked={looked} title="This cannot be looked at">
      {(found) => (found === null ? <TooLarge wish={wish} /> : <Found change={change} found={found} wish={wish} />)}
    </Answered>
  );
}

function TooLarge({ wish }: { wish: Wish }) {
  const mapping = fixedMapping(wish) ?? wish.intake.columns;
  const names = new Set([...Object.values(mapping).flatMap(({ columns }) => columns), ...wish.intake.needed]);
  return (
    <Alert.Root status="info">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>A file of this kind and size is not looked at before it is sent</Alert.Title>
        <Alert.Description>It has to have these columns: {[...names].join(", ")}.</Alert.Description>
      </Alert.Content>
    </Alert.Root>
  );
}

function Found({ change, found, wish }: Omit<Props, "looked"> & { found: Preview }) {
  const nothing = Object.keys(found.mapping).length === 0;
  return (
    <>
      <Section
        about={
          wish.way === "new"
            ? "As their names tell; choose another use where that is wrong."
            : "An audience keeps the columns that it was made with."
        }
        title="Columns"
      >
        <MappingChoice change={change} found={found} wish={wish} />
      </Section>
      {nothing ? (
        <Alert.Root flexShrink={0} role="alert" status="warning">
          <Alert.Indicator />
          <Alert.Title>No column was recognised: choose what each is used for.</Alert.Title>
        </Alert.Root>
      ) : (
        <>
          <Section about={toldOf(found)} title="Match readiness">
            <Readiness platforms={found.platforms} />
          </Section>
          <Section about="Masked: what a platform would get stands below each value." title="First rows">
            <FirstRows found={found} />
          </Section>
        </>
      )}
    </>
  );
}

function toldOf({ dropped, looked_at }: Preview) {
  const out = dropped.map(({ count, name }) => `${count} ${words(name)}`).join(", ");
  return (
    <Text as="span">
      Of the first {plural(looked_at, "row")}
      {out && `; left out: ${out}`}
    </Text>
  );
}
