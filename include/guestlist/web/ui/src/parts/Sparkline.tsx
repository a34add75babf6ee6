// A small line of how something went, the latest at the right.

const WIDTH = 96;
const HEIGHT = 24;
const MARGIN = 2;

export function Sparkline({ label, values }: { label: string; values: readonly number[] }) {
  if (values.length < 2) return null;
  const low = Math.min(...values);
  const spread = Math.max(...values) - low || 1;
  const x = (place: number) => MARGIN + (place / (values.length - 1)) * (WIDTH - 2 * MARGIN);
  const y = (value: number) => HEIGHT - MARGIN - ((value - low) / spread) * (HEIGHT - 2 * MARGIN);
  const points = values.map((value, place) => `${x(place).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <svg aria-label={label} height={HEIGHT} role="img" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH}>
      <polyline fill="none" points={points.join(" ")} stroke="var(--chakra-colors-brand-fg)" strokeWidth={1.5} />
    </svg>
  );
}
