// What is asked for with a file, as the API takes it.
import type { AudienceAnswer, IntakeAnswer, Mapped } from "../api/types";

export type Way = "append" | "new" | "replace";
export type Mapping = Readonly<Record<string, Mapped>>;

export interface Wish {
  intake: IntakeAnswer;
  way: Way;
  /** Of those that are there, the one whose people are replaced or added to. */
  audience: AudienceAnswer | undefined;
  name: string;
  destinations: readonly string[];
  hashed: boolean;
  key: string;
  /** As a person has chosen it; undefined for what the server guesses. */
  mapping: Mapping | undefined;
}

export const wishOf = (intake: IntakeAnswer, way: Way): Wish => ({
  audience: undefined,
  destinations: intake.destinations.map(({ label }) => label),
  hashed: false,
  intake,
  key: intake.key ?? "",
  mapping: undefined,
  name: "",
  way,
});

/** The mapping that holds whatever is guessed: an audience keeps the one that it was made with. */
export const fixedMapping = ({ audience, way }: Wish): Mapping | undefined => (way === "new" ? undefined : audience?.columns);

/** The fields that tell how a file is to be read. */
export function reading(wish: Wish): Record<string, string | undefined> {
  const mapping = fixedMapping(wish) ?? wish.mapping;
  const key = wish.way === "new" ? wish.key : wish.audience?.key;
  return {
    columns: mapping && JSON.stringify(mapping),
    destinations: wish.way === "new" ? wish.destinations.join(",") : undefined,
    hashed: wish.way === "new" && wish.hashed && mapping ? "true" : undefined,
    intake: wish.intake.name,
    key: key || undefined,
  };
}

const FIXED_REGION = /^([A-Z]{2}|\+)$/;

/** A country that holds for all rows, in contrast to a column. */
export const isFixed = (region: string | null): boolean => region !== null && FIXED_REGION.test(region);

/** The mapping, with one column used for an identifier, or for none. */
export function assigned(
  mapping: Mapping,
  intake: IntakeAnswer,
  columns: readonly string[],
  column: string,
  field: string,
): Mapping {
  const found: Record<string, Mapped> = {};
  for (const name of Object.keys(intake.columns)) {
    const own = intake.columns[name];
    const used = new Set(mapping[name]?.columns);
    used.delete(column);
    if (name === field) used.add(column);
    if (own && used.size > 0) {
      const region = own.region !== null && (isFixed(own.region) || columns.includes(own.region)) ? own.region : null;
      found[name] = { hashed: own.hashed, region, ...mapping[name], columns: columns.filter((one) => used.has(one)) };
    }
  }
  return found;
}

export const fieldOf = (mapping: Mapping, column: string): string =>
  Object.entries(mapping).find(([, { columns }]) => columns.includes(column))?.[0] ?? "";
