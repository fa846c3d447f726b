import type { Schemas } from "../../api/client";
import { type Series, TimeChart } from "../../components/time-chart";
import { formatMillis, formatShort } from "../../lib/numbers";
import css from "./pace-charts.module.css";

type Stats = Schemas["Stats"];
type Point = Stats["points"][number];

const PERCENTILES = [
  { name: "p50", tone: "ready", dash: undefined },
  { name: "p95", tone: "later", dash: "7 3" },
  { name: "p99", tone: "down", dash: "2 3" },
] as const;

/** Throughput, waits and runs over the same times. */
export function PaceCharts({ stats }: { stats: Stats }) {
  const { points, step_seconds, to } = stats;
  const times = points.map(({ at }) => Date.parse(at));
  const step = step_seconds * 1000;
  // the last step is not over: its count is for the part that is, once that says anything
  const passed = (at: number) => Math.min(step, Math.max(step / 4, Date.parse(to) - at));
  const minutes = times.map((at) => passed(at) / 60_000);
  const perMinute = (count: (point: Point) => number) =>
    points.map((point, index) => count(point) / (minutes[index] ?? 1));
  const spread = (of: (point: Point) => Point["wait_ms"]): Series[] =>
    PERCENTILES.map(({ name, tone, dash }) => ({
      name,
      tone,
      dash,
      values: points.map((point) => of(point)?.[name] ?? null),
    }));
  const shared = { times, step };
  const throughput: Series[] = [
    { name: "completed", tone: "good", values: perMinute(({ completed }) => completed) },
    {
      name: "failed",
      tone: "bad",
      dash: "6 3",
      values: perMinute(({ failed, discarded }) => failed + discarded),
    },
  ];
  return (
    <div className={css.charts}>
      <TimeChart
        {...shared}
        title="Throughput"
        unit="jobs per minute"
        series={throughput}
        format={formatShort}
      />
      <TimeChart
        {...shared}
        title="Wait"
        unit="available to started"
        series={spread(({ wait_ms }) => wait_ms)}
        format={formatMillis}
        formatMark={formatPower}
        powers
      />
      <TimeChart
        {...shared}
        title="Run"
        unit="started to ended"
        series={spread(({ run_ms }) => run_ms)}
        format={formatMillis}
        formatMark={formatPower}
        powers
      />
    </div>
  );
}

/** A power of ten in milliseconds: `10 ms`, `1 s`. */
function formatPower(value: number): string {
  return value < 1000 ? `${value} ms` : `${value / 1000} s`;
}
