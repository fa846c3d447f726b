import { useWidth } from "../../components/use-width";
import { formatShort } from "../../lib/numbers";
import { linear, timeTicks } from "../../lib/scale";
import { useStore } from "../../lib/store";
import { now } from "../../lib/time";
import css from "./burn-down.module.css";
import { amountOf, type LimitWindow, windowName } from "./standing";

const HEIGHT = 104;
const PAD = { top: 6, right: 8, bottom: 18, left: 44 };

interface BurnDownProps {
  window: LimitWindow;
  points: readonly { at: string; used: number }[];
}

/**
 * What was left of a window over its length. A dashed line leads to when it will be used up; a
 * dotted one shows the pace that would spend a day or a month evenly.
 */
export function BurnDown({ window, points }: BurnDownProps) {
  const [box, width] = useWidth<HTMLDivElement>(480);
  const present = useStore(now);
  if (points.length < 2) return <p className="muted">Nothing has been counted yet.</p>;
  const { amount, calendar, remaining, resets_at, exhausted_at } = window;
  const known = points.map(({ at, used }) => ({
    at: Date.parse(at),
    left: Math.max(0, amount - used),
  }));
  const from = known[0]?.at ?? present;
  const end = Math.max(present, known.at(-1)?.at ?? present);
  const renewed = calendar && resets_at ? Date.parse(resets_at) : null;
  const empty = exhausted_at && remaining > 0 ? Date.parse(exhausted_at) : null;
  // a distant time would leave no width for the past
  const ahead = empty !== null && empty > end ? Math.min(empty, end + (end - from) / 2) : end;
  const to = Math.max(end, renewed ?? ahead);

  const most = Math.max(amount, ...known.map(({ left }) => left));
  const x = linear([from, to], [PAD.left, width - PAD.right]);
  const y = linear([0, most || 1], [HEIGHT - PAD.bottom, PAD.top]);
  const line = known
    .map(({ at, left }, index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(left).toFixed(1)}`)
    .join("");
  const last = known.at(-1) ?? { at: end, left: remaining };
  const slope = empty !== null && empty > last.at ? last.left / (empty - last.at) : 0;
  const reached = Math.max(0, last.left - slope * (to - last.at));
  const money = window.dimension === "money";
  const axis = (value: number) => (money ? `$${formatShort(value / 1e6)}` : formatShort(value));

  return (
    <div ref={box}>
      <svg
        className={css.chart}
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={`${windowName(window)}: ${amountOf(window, Math.max(0, remaining))} of ${amountOf(window, amount)} left`}
      >
        {[0, amount].map((value) => (
          <g key={value}>
            <path className={css.rule} d={`M${PAD.left} ${y(value)}H${width - PAD.right}`} />
            <text className={css.tick} x={PAD.left - 6} y={y(value) + 3.5} textAnchor="end">
              {axis(value)}
            </text>
          </g>
        ))}
        {timeTicks(from, to, width / 100).map(({ at, text }) => (
          <text
            key={at}
            className={css.tick}
            x={Math.max(PAD.left + 14, Math.min(width - PAD.right - 20, x(at)))}
            y={HEIGHT - 4}
            textAnchor="middle"
          >
            {text}
          </text>
        ))}
        {renewed !== null && (
          <path className={css.even} d={`M${x(from)} ${y(amount)}L${x(renewed)} ${y(0)}`} />
        )}
        <path
          className={css.area}
          data-empty={remaining <= 0}
          d={`${line}V${y(0)}H${x(from).toFixed(1)}Z`}
        />
        <path className={css.line} data-empty={remaining <= 0} d={line} />
        {slope > 0 && (
          <path
            className={css.forecast}
            d={`M${x(last.at)} ${y(last.left)}L${x(Math.min(to, empty ?? to))} ${y(reached)}`}
          />
        )}
        {to > end && <path className={css.now} d={`M${x(end)} ${PAD.top}V${y(0)}`} />}
      </svg>
    </div>
  );
}
