import { type PointerEvent, useId, useState } from "react";
import { linear, logarithmic, powerTicks, timeTicks, valueTicks } from "../lib/scale";
import css from "./time-chart.module.css";
import { useWidth } from "./use-width";

export interface Series {
  name: string;
  /** A colour token of tokens.css. */
  tone: string;
  /** An SVG dash pattern, which distinguishes lines without colour. */
  dash?: string;
  /** One for each time; `null` leaves a gap. */
  values: readonly (number | null)[];
}

interface TimeChartProps {
  title: string;
  /** What the values are, for example "per minute". */
  unit: string;
  /** In milliseconds, oldest first. */
  times: readonly number[];
  /** How long each of them lasts, in milliseconds. */
  step: number;
  series: readonly Series[];
  format: (value: number) => string;
  /** How the axis writes a value, where that is shorter. */
  formatMark?: (value: number) => string;
  /** In powers of ten, for values that differ by orders of magnitude. */
  powers?: boolean;
}

const HEIGHT = 168;
const PAD = { top: 8, right: 10, bottom: 20, left: 46 };

/** Lines over time; a pointer or the arrow keys read them off. */
export function TimeChart(props: TimeChartProps) {
  const { title, unit, times, step, series, format } = props;
  const heading = useId();
  const [box, width] = useWidth<HTMLDivElement>(600);
  const [chosen, choose] = useState<number | null>(null);
  const last = times.length - 1;
  const at = chosen === null ? null : Math.min(chosen, last);
  const read = (index: number) =>
    `${moment(times[index] ?? 0, step)}: ${series
      .map(({ name, values }) => `${name} ${told(values[index], format)}`)
      .join(", ")}`;

  const follow = (event: PointerEvent<SVGSVGElement>) => {
    const { left } = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - left - PAD.left) / (width - PAD.left - PAD.right);
    choose(Math.max(0, Math.min(last, Math.round(share * last))));
  };

  return (
    <figure className={css.chart} aria-labelledby={heading}>
      <figcaption className={css.head}>
        <h3 id={heading}>
          {title} <span className={css.unit}>{unit}</span>
        </h3>
        <ul className={`${css.legend} numbers`}>
          {series.map(({ name, tone, dash, values }) => (
            <li key={name}>
              <svg className={css.key} viewBox="0 0 18 6" aria-hidden="true">
                <path d="M0 3H18" style={{ stroke: `var(--${tone})` }} strokeDasharray={dash} />
              </svg>
              {name} {at !== null && <strong>{told(values[at], format)}</strong>}
            </li>
          ))}
          <li className="muted">{at === null ? "UTC" : moment(times[at] ?? 0, step)}</li>
        </ul>
      </figcaption>
      <div ref={box} className={css.plot}>
        <input
          type="range"
          className="visually-hidden"
          aria-label={`${title}, moment`}
          min={0}
          max={Math.max(last, 0)}
          value={at ?? last}
          aria-valuetext={last < 0 ? "nothing yet" : read(at ?? last)}
          onChange={({ target }) => choose(Number(target.value))}
          onFocus={() => choose(at ?? last)}
          onBlur={() => choose(null)}
        />
        <svg
          className={css.canvas}
          width={width}
          height={HEIGHT}
          aria-hidden="true"
          onPointerMove={follow}
          onPointerDown={follow}
          onPointerLeave={() => choose(null)}
        >
          <Plot {...props} width={width} at={at} />
        </svg>
      </div>
    </figure>
  );
}

/** Axes, lines, and the moment that is read off. */
function Plot({
  times,
  step,
  series,
  format,
  formatMark = format,
  powers,
  width,
  at,
}: TimeChartProps & { width: number; at: number | null }) {
  const given = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const most = Math.max(0, ...given);
  const least = Math.min(...given.filter((value) => value > 0), most || 1);
  const marks = powers ? powerTicks(Math.max(least, 1), Math.max(most, 1)) : valueTicks(most);
  const span = [marks[0] ?? 0, marks.at(-1) ?? 1] as const;
  const y = (powers ? logarithmic : linear)(span, [HEIGHT - PAD.bottom, PAD.top]);
  const [from, to] = [times[0] ?? 0, times.at(-1) ?? step];
  const x = linear([from, to], [PAD.left, width - PAD.right]);
  const px = (value: number) => value.toFixed(1);
  const cursor = at === null ? undefined : times[at];
  return (
    <>
      {marks.map((mark) => (
        <g key={mark}>
          <path className={css.rule} d={`M${PAD.left} ${px(y(mark))}H${width - PAD.right}`} />
          <text className={css.tick} x={PAD.left - 6} y={px(y(mark) + 3.5)} textAnchor="end">
            {formatMark(mark)}
          </text>
        </g>
      ))}
      {times.length > 1 &&
        timeTicks(from, to, width / 90).map(({ at: time, text }) => (
          <text
            key={time}
            className={css.tick}
            x={px(Math.max(PAD.left + 14, Math.min(width - PAD.right - 14, x(time))))}
            y={HEIGHT - 5}
            textAnchor="middle"
          >
            {text}
          </text>
        ))}
      {series.map(({ name, tone, dash, values }) => (
        <g key={name} style={{ color: `var(--${tone})` }}>
          <path
            className={css.line}
            strokeDasharray={dash}
            d={path(
              values,
              (index) => px(x(times[index] ?? 0)),
              (value) => px(y(value)),
            )}
          />
          {lonely(values).map(({ index, value }) => (
            <circle key={index} className={css.dot} cx={x(times[index] ?? 0)} cy={y(value)} r={3} />
          ))}
        </g>
      ))}
      {cursor !== undefined && at !== null && (
        <>
          <path className={css.cursor} d={`M${px(x(cursor))} ${PAD.top}V${HEIGHT - PAD.bottom}`} />
          {series.map(({ name, tone, values }) => {
            const value = values[at];
            return value == null ? null : (
              <circle
                key={name}
                cx={px(x(cursor))}
                cy={px(y(value))}
                r={3.5}
                style={{ fill: `var(--${tone})` }}
              />
            );
          })}
        </>
      )}
    </>
  );
}

/** Broken where nothing was measured. */
function path(
  values: readonly (number | null)[],
  x: (index: number) => string,
  y: (value: number) => string,
): string {
  let drawn = "";
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    drawn += `${values[index - 1] == null ? "M" : "L"}${x(index)} ${y(value)}`;
  }
  return drawn;
}

/** Values between two gaps: no line would show them. */
function lonely(values: readonly (number | null)[]): { index: number; value: number }[] {
  return [...values.entries()].flatMap(([index, value]) =>
    value !== null && values[index - 1] == null && values[index + 1] == null
      ? [{ index, value }]
      : [],
  );
}

function told(value: number | null | undefined, format: (value: number) => string): string {
  return value == null ? "–" : format(value);
}

/** `18:40:00`, `18:40`, or with its day where a step is that long. */
function moment(at: number, step: number): string {
  const iso = new Date(at).toISOString();
  const time = iso.slice(11, step < 60_000 ? 19 : 16);
  return step >= 900_000 ? `${iso.slice(5, 10)} ${time}` : time;
}
