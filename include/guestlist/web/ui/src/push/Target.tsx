// Where people are pushed to: which intake, a new audience or one that is there, and which destinations.
import { Checkbox, Field, Fieldset, Grid, HStack, Input, NativeSelect, RadioGroup, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { useAnswer } from "../api/queries";
import type { AudienceAnswer, Audiences, IntakeAnswer } from "../api/types";
import { ask, pathOf } from "../api/client";
import { Failure } from "../parts/Answered";
import { useMutation } from "@tanstack/react-query";
import { type Way, type Wish, wishOf } from "./wish";

interface Props {
  change: (to: Partial<Wish>) => void;
  intakes: readonly IntakeAnswer[];
  wish: Wish;
}

const WAYS: readonly { label: string; way: Way }[] = [
  { label: "A new audience", way: "new" },
  { label: "Replace everybody on an audience", way: "replace" },
  { label: "Add people to an audience", way: "append" },
];

export function Target({ change, intakes, wish }: Props) {
  const { intake, way } = wish;
  return (
    <Grid gap={4} maxWidth="42rem">
      <Choice label="Intake" note={intake.description}>
        <NativeSelect.Field
          onChange={({ target: { value } }) => {
            const chosen = intakes.find(({ name }) => name === value);
            if (chosen) change({ ...wishOf(chosen, way), name: wish.name });
          }}
          value={intake.name}
        >
          {intakes.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </NativeSelect.Field>
      </Choice>
      <RadioGroup.Root
        aria-label="What the file is for"
        onValueChange={({ value }) => change({ way: value as Way })}
        size="sm"
        value={way}
      >
        <HStack columnGap={6} rowGap={2} wrap="wrap">
          {WAYS.map(({ label, way: one }) => (
            <RadioGroup.Item key={one} value={one}>
              <RadioGroup.ItemHiddenInput />
              <RadioGroup.ItemIndicator />
              <RadioGroup.ItemText>{label}</RadioGroup.ItemText>
            </RadioGroup.Item>
          ))}
        </HStack>
      </RadioGroup.Root>
      {way === "new" ? <NewAudience change={change} wish={wish} /> : <KnownAudience change={change} wish={wish} />}
    </Grid>
  );
}

function Choice({ children, label, note }: { children: ReactNode; label: string; note?: string }) {
  return (
    <Field.Root>
      <Field.Label>{label}</Field.Label>
      <NativeSelect.Root size="sm">
        {children}
        <NativeSelect.Indicator />
      </NativeSelect.Root>
      {note && <Field.HelperText>{note}</Field.HelperText>}
    </Field.Root>
  );
}

const LONGEST_NAME = 200;

type PartProps = Omit<Props, "intakes">;

function NewAudience({ change, wish: { destinations, intake, name } }: PartProps) {
  const toggled = (label: string) =>
    intake.destinations.map((one) => one.label).filter((one) => destinations.includes(one) !== (one === label));
  return (
    <>
      <Field.Root required>
        <Field.Label>Name</Field.Label>
        <Input maxLength={LONGEST_NAME} onChange={({ target }) => change({ name: target.value })} size="sm" value={name} />
        <Field.HelperText>No two audiences of an intake share it.</Field.HelperText>
      </Field.Root>
      <Fieldset.Root>
        <Fieldset.Legend fontSize="sm">Destinations</Fieldset.Legend>
        <HStack columnGap={6} rowGap={2} wrap="wrap">
          {intake.destinations.map(({ label, mode }) => (
            <Checkbox.Root
              checked={destinations.includes(label)}
              key={label}
              onCheckedChange={() => change({ destinations: toggled(label) })}
              size="sm"
            >
              <Checkbox.HiddenInput />
              <Checkbox.Control />
              <Checkbox.Label>
                {label}{" "}
                <Text as="span" color="fg.muted">
                  {mode}
                </Text>
              </Checkbox.Label>
            </Checkbox.Root>
          ))}
        </HStack>
      </Fieldset.Root>
    </>
  );
}

const NEWEST = 100;

function KnownAudience({ change, wish: { audience, intake } }: PartProps) {
  const listed = useAnswer<Audiences>("audiences", { intake: intake.name, limit: NEWEST });
  const choosing = useMutation({
    mutationFn: (id: string) => ask<AudienceAnswer>(pathOf`audiences/${id}`),
    onSuccess: (chosen) => change({ audience: chosen }),
  });
  const live = (listed.data?.audiences ?? []).filter(({ deleted, id }) => !deleted && id !== audience?.id);
  return (
    <>
      <Choice label="Audience" note="The newest are here; any other has a button for this on its own page.">
        <NativeSelect.Field
          onChange={({ target: { value } }) => (value ? choosing.mutate(value) : change({ audience: undefined }))}
          value={audience?.id ?? ""}
        >
          <option value="">Choose one</option>
          {audience && <option value={audience.id}>{audience.name}</option>}
          {live.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </NativeSelect.Field>
      </Choice>
      {(choosing.error ?? listed.error) && <Failure error={(choosing.error ?? listed.error) as Error} />}
    </>
  );
}
