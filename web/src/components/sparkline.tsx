import css from "./sparkline.module.css";

interface SparklineProps {
  /** Oldest first. */
  values: readonly number[];
  /** The values at the lower and the upper edge. */
  range: readonly [number, number];
  label: string;
}

const WIDTH = 120;
const HEIGHT = 32;
const PAD = 3;

/** A small line without axes; a rule marks zero where zero is in the range. */
export function Sparkline({ values, range: [low, high], label }: SparklineProps) {
  const x = (index: number) => PAD + (index / Math.max(values.length - 1, 1)) * (WIDTH - 2 * PAD);
  const y = (value: number) =>
    HEIGHT - PAD - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * PAD);
  const last = values.at(-1);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
  return (
    <svg className={css.sparkline} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {low < 0 && high > 0 && <line className={css.zero} x1={0} x2={WIDTH} y1={y(0)} y2={y(0)} />}
      <polyline className={css.line} points={points.join(" ")} />
      {last !== undefined && (
        <circle className={css.end} cx={x(values.length - 1)} cy={y(last)} r={2.5} />
      )}
    </svg>
  );
}
