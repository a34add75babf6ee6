// What each column of the file is used for: a select box for each.
import { Checkbox, Field, Grid, NativeSelect, Text } from "@chakra-ui/react";
import type { Preview } from "../api/types";
import { words } from "../parts/format";
import { assigned, fieldOf, fixedMapping, isFixed, type Mapping, type Wish } from "./wish";

interface Props {
  change: (to: Partial<Wish>) => void;
  found: Preview;
  wish: Wish;
}

export function MappingChoice({ change, found, wish }: Props) {
  const fixed = fixedMapping(wish) !== undefined;
  const mapping: Mapping = wish.mapping ?? found.mapping;
  const columns = found.columns;
  const fields = Object.keys(wish.intake.columns);
  return (
    <>
      <Grid gap={3} gridTemplateColumns="repeat(auto-fill, minmax(min(13rem, 100%), 1fr))">
        {columns.map((column) => (
          <Chosen
            disabled={fixed}
            key={column}
            label={column}
            note={wish.intake.needed.includes(column) ? "read besides" : undefined}
            onChange={(field) => change({ mapping: assigned(mapping, wish.intake, columns, column, field) })}
            options={[["", "not used"], ...fields.map((field): [string, string] => [field, words(field)])]}
            value={fieldOf(mapping, column)}
          />
        ))}
        {mapping.phone && (
          <Chosen
            disabled={fixed}
            label="Country of the phone numbers"
            onChange={(region) => change({ mapping: withRegion(mapping, region || null) })}
            options={regionsOf(mapping, wish, columns)}
            value={mapping.phone.region ?? ""}
          />
        )}
        {!fixed && (
          <Chosen
            disabled={false}
            label="What names a person"
            onChange={(key) => change({ key })}
            options={[["", "all identifiers together"], ...columns.map((column): [string, string] => [column, column])]}
            value={wish.key}
          />
        )}
      </Grid>
      {!fixed && (
        <Checkbox.Root
          checked={wish.hashed}
          onCheckedChange={({ checked }) => change({ hashed: checked === true, mapping })}
          size="sm"
        >
          <Checkbox.HiddenInput />
          <Checkbox.Control />
          <Checkbox.Label>
            The columns hold SHA-256 already{" "}
            <Text as="span" color="fg.muted">
              all but country and postal code
            </Text>
          </Checkbox.Label>
        </Checkbox.Root>
      )}
    </>
  );
}

const withRegion = (mapping: Mapping, region: string | null): Mapping =>
  mapping.phone ? { ...mapping, phone: { ...mapping.phone, region } } : mapping;

/** The columns, the country that the intake names, and that all numbers begin with theirs. */
function regionsOf(mapping: Mapping, { intake }: Wish, columns: readonly string[]): [string, string][] {
  const own = intake.columns.phone?.region ?? null;
  const known = new Set(
    [mapping.phone?.region, isFixed(own) ? own : null, "+"].filter((one) => one != null && !columns.includes(one)),
  );
  return [
    ["", "not told"],
    ...columns.map((column): [string, string] => [column, `column ${column}`]),
    ...[...known].map((one): [string, string] => [one as string, one === "+" ? "all numbers begin with it" : `${one} for all`]),
  ];
}

interface ChosenProps {
  disabled: boolean;
  label: string;
  note?: string | undefined;
  onChange: (value: string) => void;
  options: readonly [string, string][];
  value: string;
}

function Chosen({ disabled, label, note, onChange, options, value }: ChosenProps) {
  return (
    <Field.Root disabled={disabled}>
      <Field.Label overflowWrap="anywhere">{label}</Field.Label>
      <NativeSelect.Root disabled={disabled} size="sm">
        <NativeSelect.Field onChange={({ target }) => onChange(target.value)} value={value}>
          {options.map(([name, told]) => (
            <option key={name} value={name}>
              {told}
            </option>
          ))}
        </NativeSelect.Field>
        <NativeSelect.Indicator />
      </NativeSelect.Root>
      {note && <Field.HelperText>{note}</Field.HelperText>}
    </Field.Root>
  );
}
