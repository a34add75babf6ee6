// From the source's columns by recipes to the platform's fields: arrows from left to right, or a list where it is narrow.
import { Box, List, Text } from "@chakra-ui/react";
import { useAnswer } from "../api/queries";
import type { Lineage, Origin } from "../api/types";
import { Answered } from "../parts/Answered";
import { words } from "../parts/format";
import { Csv } from "../parts/Links";
import { Section } from "../parts/Page";

export function LineageSection({ path }: { path: string }) {
  const asked = useAnswer<Lineage>(`${path}/lineage`);
  return (
    <Section
      about={asked.data && `${asked.data.source} to ${asked.data.audience}`}
      actions={<Csv name="the lineage" path={`${path}/lineage`} />}
      title="Where its keys come from"
    >
      <Answered asked={asked}>{(lineage) => <Origins origins={lineage.origins} />}</Answered>
    </Section>
  );
}

const ROW = 44;
const BOX = { height: 30, width: 232 };
const LANE = 320;
const TOP = 28;
const LANES = ["Source column", "Recipe", "Platform field"] as const;

/** The names of a lane in the order in which they first come, and where each stands. */
type Lane = ReadonlyMap<string, number>;

interface OriginsProps {
  readonly origins: readonly Origin[];
}

function Origins({ origins }: OriginsProps) {
  if (origins.length === 0) return <Text color="fg.muted">Its segment names no columns.</Text>;
  return (
    <>
      <List.Root aria-label="Lineage" fontSize="sm" gap={2} hideFrom="md" variant="plain">
        {origins.map((origin) => (
          <List.Item display="block" key={inWords(origin)}>
            {origin.column} → {recipeOf(origin)}
            {origin.platform_field && ` → ${origin.platform_field}`}
          </List.Item>
        ))}
      </List.Root>
      <Box hideBelow="md">
        <Picture origins={origins} />
      </Box>
    </>
  );
}

function Picture({ origins }: OriginsProps) {
  const lanes = [
    laneOf(origins, ({ column }) => column),
    laneOf(origins, recipeOf),
    laneOf(origins, ({ platform_field }) => platform_field),
  ] as const;
  const rows = Math.max(...lanes.map((lane) => lane.size));
  const width = 2 * LANE + BOX.width;
  return (
    <svg
      aria-label={origins.map(inWords).join("; ")}
      role="img"
      style={{ maxWidth: width, width: "100%" }}
      viewBox={`0 0 ${width} ${TOP + rows * ROW}`}
    >
      {LANES.map((title, lane) => (
        <text fill="var(--chakra-colors-fg-muted)" key={title} style={{ fontSize: 12 }} x={lane * LANE} y={14}>
          {title}
        </text>
      ))}
      {arrowsOf(origins, lanes).map(({ dashed, id, path }) => (
        <path
          d={path}
          fill="none"
          key={id}
          stroke="var(--chakra-colors-brand-fg)"
          strokeDasharray={dashed ? "4 4" : undefined}
          strokeOpacity={0.6}
          strokeWidth={1.5}
        />
      ))}
      {lanes.map((names, lane) =>
        [...names].map(([name, row]) => <Name key={`${LANES[lane]} ${name}`} lane={lane} name={name} row={row} />),
      )}
    </svg>
  );
}

function Name({ lane, name, row }: { lane: number; name: string; row: number }) {
  return (
    <foreignObject height={BOX.height} width={BOX.width} x={lane * LANE} y={TOP + row * ROW}>
      <Box
        _dark={{ bg: "bg.emphasized" }}
        bg="bg.subtle"
        borderRadius="md"
        borderWidth="1px"
        fontSize="xs"
        height="full"
        paddingInline={2}
        paddingBlock={1.5}
        title={name}
        truncate
      >
        {name}
      </Box>
    </foreignObject>
  );
}

const recipeOf = ({ hashed, platform_field, recipe, use }: Origin): string =>
  platform_field === null ? words(use) : `${recipe ?? words(use)}${hashed ? ", SHA-256" : ", as it is"}`;

function laneOf(origins: readonly Origin[], name: (origin: Origin) => string | null): Lane {
  const names = new Set(origins.map(name).filter((one) => one !== null));
  return new Map([...names].map((one, row) => [one, row]));
}

function arrowsOf(origins: readonly Origin[], lanes: readonly [Lane, Lane, Lane]) {
  const arrows = new Map<string, { dashed: boolean; id: string; path: string }>();
  for (const origin of origins) {
    const stops = [origin.column, recipeOf(origin), origin.platform_field] as const;
    for (const lane of [0, 1] as const) {
      const from = lanes[lane].get(stops[lane]);
      const to = lanes[lane + 1]?.get(stops[lane + 1] ?? "");
      if (from === undefined || to === undefined) continue;
      const id = `${lane} ${from} ${to}`;
      const dashed = origin.use !== "match_key" && (arrows.get(id)?.dashed ?? true);
      arrows.set(id, { dashed, id, path: arrow(lane, from, to) });
    }
  }
  return [...arrows.values()];
}

function arrow(lane: number, from: number, to: number): string {
  const [left, right] = [lane * LANE + BOX.width, (lane + 1) * LANE];
  const [start, end] = [from, to].map((row) => TOP + row * ROW + BOX.height / 2);
  const middle = (left + right) / 2;
  return `M${left},${start} C${middle},${start} ${middle},${end} ${right},${end}`;
}

const inWords = (origin: Origin): string =>
  `${origin.column} by ${recipeOf(origin)} to ${origin.platform_field ?? "nothing that is sent"}`;
