// Pushing an audience by hand: choose a file, look at what is in it, send it.
import { Button, Flex, Progress, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { FiUpload } from "react-icons/fi";
import { useSearchParams } from "react-router-dom";
import { ApiError, pathOf } from "../api/client";
import { useAnswer } from "../api/queries";
import type { AudienceAnswer, IntakeAnswer, Preview } from "../api/types";
import { Answered, Failure } from "../parts/Answered";
import { share as percent } from "../parts/format";
import { Page, Section } from "../parts/Page";
import { FileChoice } from "./FileChoice";
import { Look } from "./Look";
import { Target } from "./Target";
import { useLook } from "./useLook";
import { useUpload } from "./useUpload";
import { type Way, type Wish, wishOf } from "./wish";

export function PushPage() {
  const [address] = useSearchParams();
  const asked = useAnswer<IntakeAnswer[]>("intakes");
  const id = address.get("audience");
  return (
    <Page about="A file of people, delivered to the destinations of an intake" title="Push an audience">
      <Answered asked={asked}>
        {(intakes) =>
          id ? <ForAudience id={id} intakes={intakes} way={wayOf(address.get("way"))} /> : <Form intakes={intakes} />
        }
      </Answered>
    </Page>
  );
}

const wayOf = (told: string | null): Way => (told === "append" ? "append" : "replace");

function ForAudience({ id, intakes, way }: { id: string; intakes: readonly IntakeAnswer[]; way: Way }) {
  const asked = useAnswer<AudienceAnswer>(pathOf`audiences/${id}`);
  return <Answered asked={asked}>{(audience) => <Form audience={audience} intakes={intakes} way={way} />}</Answered>;
}

interface FormProps {
  audience?: AudienceAnswer;
  intakes: readonly IntakeAnswer[];
  way?: Way;
}

function Form({ audience, intakes, way = "new" }: FormProps) {
  const first = audience ? intakes.find(({ name }) => name === audience.intake) : intakes[0];
  if (!first) return <Failure error={new ApiError(403, "ask for the permission to trigger the DAG of its intake")} />;
  return <Filled intakes={intakes} start={{ ...wishOf(first, way), audience }} />;
}

function Filled({ intakes, start }: { intakes: readonly IntakeAnswer[]; start: Wish }) {
  const [wish, setWish] = useState(start);
  const [file, setFile] = useState<File>();
  const change = (to: Partial<Wish>) => setWish((before) => ({ ...before, ...to }));
  const looked = useLook(file, wish);
  const { sending, share, stop } = useUpload(file, wish, looked.data?.mapping);
  const missing = missingIn(wish, file, looked.data) ?? (looked.isFetching ? "The file is being looked at." : undefined);
  const choose = (chosen: File | undefined) => {
    setFile(chosen);
    change({ mapping: undefined, ...(wish.name === "" && chosen && { name: stem(chosen.name) }) });
    sending.reset();
  };
  return (
    <Stack asChild flexShrink={0} gap={6}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (file && !missing && !sending.isPending) sending.mutate(file);
        }}
      >
        <Section title="Where to">
          <Target change={change} intakes={intakes} wish={wish} />
        </Section>
        <Section title="File">
          <FileChoice choose={choose} file={file} most={wish.intake.max_bytes} />
        </Section>
        {file && <Look change={change} looked={looked} wish={wish} />}
        {sending.error && <Failure error={sending.error} title="It was not sent" />}
        <Flex align="center" gap={3} wrap="wrap">
          <Button colorPalette="brand" disabled={missing !== undefined} loading={sending.isPending} size="sm" type="submit">
            <FiUpload aria-hidden />
            Send
          </Button>
          {sending.isPending ? (
            <>
              <Sent share={share} />
              <Button onClick={stop} size="sm" variant="outline">
                Stop
              </Button>
            </>
          ) : (
            missing && <Text color="fg.muted">{missing}</Text>
          )}
        </Flex>
      </form>
    </Stack>
  );
}

function Sent({ share }: { share: number }) {
  return (
    <Progress.Root flex="1" maxWidth="24rem" minWidth="10rem" value={share < 1 ? 100 * share : null}>
      <Flex align="center" gap={2}>
        <Progress.Track aria-label="Sent" flex="1">
          <Progress.Range />
        </Progress.Track>
        <Progress.ValueText>{share < 1 ? percent(share) : "being looked at"}</Progress.ValueText>
      </Flex>
    </Progress.Root>
  );
}

/** What is to be done before it can be sent. */
function missingIn(
  { audience, destinations, intake, name, way }: Wish,
  file: File | undefined,
  found: Preview | null | undefined,
): string | undefined {
  if (way === "new" && name.trim() === "") return "Give the audience a name.";
  if (way === "new" && destinations.length === 0) return "Choose a destination.";
  if (way !== "new" && !audience) return "Choose an audience.";
  if (!file) return "Choose a file.";
  if (file.size > intake.max_bytes) return "The file is larger than this intake takes.";
  return found && Object.keys(found.mapping).length === 0 ? "Choose what a column is used for." : undefined;
}

/** What a file is called, without its endings. */
const stem = (name: string): string => name.replace(/(\.(csv|tsv|ndjson|parquet|xlsx|gz))+$/i, "");
