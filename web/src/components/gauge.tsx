import { formatScore } from "../lib/numbers";
import css from "./gauge.module.css";

interface GaugeProps {
  /** −1…1 */
  value: number;
  label: string;
  /** Where one label gives way to the next, as small marks. */
  marks?: readonly number[];
}

const WIDTH = 160;
const MIDDLE = WIDTH / 2;
const HEIGHT = 14;

/** A value between −1 and 1 as a bar from the middle. */
export function Gauge({ value, label, marks = [] }: GaugeProps) {
  const bounded = Math.max(-1, Math.min(1, value));
  const x = (at: number) => MIDDLE + at * (MIDDLE - 2);
  const [from, to] = bounded < 0 ? [x(bounded), MIDDLE] : [MIDDLE, x(bounded)];
  return (
    <svg
      className={css.gauge}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="meter"
      aria-label={label}
      aria-valuemin={-1}
      aria-valuemax={1}
      aria-valuenow={Number(bounded.toFixed(3))}
      aria-valuetext={formatScore(bounded)}
    >
      <rect className={css.track} x={2} y={4} width={WIDTH - 4} height={6} rx={3} />
      {marks.map((mark) => (
        <line key={mark} className={css.mark} x1={x(mark)} x2={x(mark)} y1={4} y2={10} />
      ))}
      <rect
        className={bounded < 0 ? css.negative : css.positive}
        x={from}
        y={4}
        width={to - from}
        height={6}
      />
      <line className={css.middle} x1={MIDDLE} x2={MIDDLE} y1={1} y2={13} />
      <circle
        className={bounded < 0 ? css.negative : css.positive}
        cx={x(bounded)}
        cy={HEIGHT / 2}
        r={5}
      />
    </svg>
  );
}
