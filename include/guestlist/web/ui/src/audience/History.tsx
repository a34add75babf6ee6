// An audience over time: what it holds and what its platform says of it, and what each run added and removed.
import { Grid, Text } from "@chakra-ui/react";
import type { ChartData, ChartOptions, Scale } from "chart.js";
import { useMemo } from "react";
import type { Audience, RunRow } from "../api/types";
import { count, day, moment, plural, share } from "../parts/format";
import { Csv } from "../parts/Links";
import { Section } from "../parts/Page";
import { axis, type Colours, common, Plot, useColours } from "../parts/Plot";

export function History({ audience, path }: { audience: Audience; path: string }) {
  const colours = useColours();
  const sizes = useMemo(() => sizesOf(audience, colours), [audience, colours]);
  const changes = useMemo(() => changesOf(audience.runs, colours), [audience.runs, colours]);
  return (
    <Grid flexShrink={0} gap={6} templateColumns={{ base: "minmax(0, 1fr)", xl: "minmax(0, 1fr) minmax(0, 1fr)" }}>
      <Section
        actions={
          <>
            <Csv label="CSV, sealed" name="what was sealed" path={`${path}/sealed`} />
            <Csv label="CSV, told" name="what the platform said" path={`${path}/seen`} />
          </>
        }
        title="Size and match rate"
      >
        {audience.sealed.length + audience.seen.length === 0 ? (
          <Text color="fg.muted">Nothing was sealed yet.</Text>
        ) : (
          <Plot data={sizes} label={tellSizes(audience)} options={sizeOptions(colours)} type="line" />
        )}
      </Section>
      <Section actions={<Csv name="what runs changed" path={`${path}/runs`} />} title="Added and removed by run">
        {audience.runs.length === 0 ? (
          <Text color="fg.muted">Nothing was sent yet.</Text>
        ) : (
          <Plot
            data={changes}
            label={`Added and removed in ${plural(changes.labels?.length ?? 0, "run")}`}
            options={changeOptions(colours)}
            type="bar"
          />
        )}
      </Section>
    </Grid>
  );
}

interface Point {
  x: number;
  y: number | null;
}

function sizesOf({ sealed, seen }: Audience, { held, matched, told }: Colours): ChartData<"line", Point[]> {
  const ranged = seen.some(({ high, low }) => high !== low);
  const looks = (value: (look: Audience["seen"][number]) => number | null) =>
    seen.map((look) => ({ x: Date.parse(look.at), y: value(look) }));
  const line = { borderWidth: 2, pointHitRadius: 8, pointRadius: 0, yAxisID: "y" };
  return {
    datasets: [
      {
        ...line,
        borderColor: held,
        data: sealed.map(({ at, members }) => ({ x: Date.parse(at), y: members })),
        label: "Held, by receipts",
        stepped: true,
      },
      { ...line, borderColor: told, data: looks(({ low }) => low), label: "Told by the platform" },
      ...(ranged
        ? [
            {
              ...line,
              backgroundColor: `color-mix(in oklab, ${told} 20%, transparent)`,
              borderWidth: 0,
              data: looks(({ high }) => high),
              fill: "-1",
              label: "up to",
            },
          ]
        : []),
      {
        ...line,
        borderColor: matched,
        borderDash: [4, 4],
        data: looks(({ match_rate }) => match_rate),
        label: "Match rate",
        yAxisID: "share",
      },
    ],
  };
}

function sizeOptions(colours: Colours): ChartOptions<"line"> {
  return {
    ...common(colours),
    interaction: { axis: "x", intersect: false, mode: "nearest" },
    plugins: {
      ...common(colours).plugins,
      tooltip: {
        callbacks: {
          label: ({ dataset, parsed }) =>
            `${dataset.label}: ${dataset.yAxisID === "share" ? share(parsed.y) : count(parsed.y)}`,
          title: ([item]) => (item?.parsed.x == null ? "" : moment(new Date(item.parsed.x).toISOString())),
        },
      },
    },
    scales: {
      share: { ...axis(colours, { callback: share }), axis: "y", grid: { display: false }, max: 1, min: 0, position: "right" },
      x: { ...axis(colours, { callback: day }), afterBuildTicks: divide, bounds: "data", type: "linear" },
      y: { ...axis(colours, { callback: count }), beginAtZero: true },
    },
  };
}

const TICK_PIXELS = 80;
const MOST_TICKS = 7;

/** As many equal parts as labels have room: Chart.js would set the last label upon the one before. */
function divide(scale: Scale): void {
  const parts = Math.max(1, Math.min(MOST_TICKS, Math.floor(scale.maxWidth / TICK_PIXELS)) - 1);
  const places = scale.max > scale.min ? [...Array(parts + 1).keys()] : [0];
  scale.ticks = places.map((place) => ({ value: scale.min + (place * (scale.max - scale.min)) / parts }));
}

function tellSizes({ audience, sealed, seen }: Audience): string {
  return `Size over time: ${plural(sealed.length, "generation")}, the newest of ${plural(audience.members ?? 0, "member")}; ${plural(seen.length, "look")} at the platform, the newest with ${count(audience.size)} and a match rate of ${share(audience.match_rate)}`;
}

function changesOf(runs: readonly RunRow[], { added, removed, renewed }: Colours): ChartData<"bar", number[]> {
  const real = runs.filter((run) => !run.dry).toReversed();
  const bars = (label: string, colour: string, value: (run: RunRow) => number) => ({
    backgroundColor: colour,
    data: real.map(value),
    hoverBackgroundColor: colour,
    label,
    stack: "changes",
  });
  return {
    datasets: [
      bars("Added", added, (run) => run.added ?? 0),
      bars("Renewed", renewed, (run) => run.renewed ?? 0),
      bars("Removed", removed, (run) => -(run.removed ?? 0)),
    ],
    labels: real.map((run) => run.started_at),
  };
}

function dayOf(this: { getLabelForValue: (place: number) => string }, place: number): string {
  return day(this.getLabelForValue(place));
}

function changeOptions(colours: Colours): ChartOptions<"bar"> {
  const size = (value: number | string) => count(Math.abs(Number(value)));
  return {
    ...common(colours),
    plugins: {
      ...common(colours).plugins,
      tooltip: {
        callbacks: {
          label: ({ dataset, parsed }) => `${dataset.label}: ${size(parsed.y ?? 0)}`,
          title: ([item]) => (item ? moment(item.label) : ""),
        },
      },
    },
    scales: {
      x: {
        ...axis(colours, { callback: dayOf, maxTicksLimit: 7 }),
        grid: { display: false },
        stacked: true,
      },
      y: { ...axis(colours, { callback: size }), stacked: true },
    },
  };
}
