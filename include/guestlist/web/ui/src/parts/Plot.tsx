// Plots by Chart.js, as on Airflow's own pages, in the colours of the theme that is on.
import { Box } from "@chakra-ui/react";
import {
  BarController,
  BarElement,
  CategoryScale,
  type ChartData,
  Chart as ChartJs,
  type ChartOptions,
  type ChartType,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";
import { useMemo, useSyncExternalStore } from "react";
import { Chart } from "react-chartjs-2";

ChartJs.register(
  BarController,
  BarElement,
  CategoryScale,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);

const TOKENS = {
  added: "green-400",
  faint: "border",
  held: "blue-500",
  ink: "fg-muted",
  matched: "purple-500",
  removed: "red-500",
  renewed: "blue-500",
  told: "orange-500",
} as const;

export type Colours = Readonly<Record<keyof typeof TOKENS, string>>;

/** A canvas knows no CSS variables: their values, anew whenever Airflow turns to dark or light. */
export function useColours(): Colours {
  const theme = useSyncExternalStore(watchTheme, () => document.documentElement.className);
  return useMemo(() => {
    const style = getComputedStyle(document.documentElement);
    const value = (token: string) => style.getPropertyValue(`--chakra-colors-${token}`).trim();
    return Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [name, value(token)])) as Colours;
  }, [theme]);
}

function watchTheme(changed: () => void): () => void {
  const watch = new MutationObserver(changed);
  watch.observe(document.documentElement, { attributeFilter: ["class"] });
  return () => watch.disconnect();
}

interface Props<Type extends ChartType> {
  /** What it shows, in words: a canvas says nothing to a screen reader. */
  label: string;
  type: Type;
  data: ChartData<Type, unknown>;
  options: ChartOptions<Type>;
}

export function Plot<Type extends ChartType>({ data, label, options, type }: Props<Type>) {
  return (
    <Box height="16rem" minWidth={0} position="relative">
      <Chart aria-label={label} data={data as ChartData<Type>} options={options} role="img" type={type} />
    </Box>
  );
}

/** What all plots share; scales are each plot's own. */
export function common({ ink }: Colours) {
  return {
    animation: false,
    interaction: { intersect: false, mode: "index" },
    maintainAspectRatio: false,
    plugins: { legend: { align: "start", labels: { boxHeight: 8, boxWidth: 16, color: ink } } },
  } as const;
}

export function axis({ faint, ink }: Colours, more: object = {}) {
  return {
    border: { color: faint },
    grid: { color: faint },
    ticks: { autoSkipPadding: 12, color: ink, maxRotation: 0, ...more },
  };
}
