// Where values and times lie on a chart, and which of them its axes name.

export type Scale = (value: number) => number;

/** From `[from, to]` onto `[start, end]`. */
export function linear(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/** As `linear`, in powers of ten; values below `from` are at the start. */
export function logarithmic(
  [from, to]: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const scale = linear([Math.log10(from), Math.log10(to)], range);
  return (value) => scale(Math.log10(Math.max(value, from)));
}

/** Round values from zero to at least `max`, about `count` steps. */
export function valueTicks(max: number, count = 4): number[] {
  const rough = Math.max(max, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const steps = Math.max(1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Powers of ten around `[min, max]`, at least two. */
export function powerTicks(min: number, max: number): number[] {
  const low = Math.floor(Math.log10(min));
  const high = Math.max(low + 1, Math.ceil(Math.log10(max)));
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28].map((n) => n * DAY),
];

/** Round times (UTC) within `[from, to]`, at most `count`, with what an axis calls them. */
export function timeTicks(from: number, to: number, count: number): { at: number; text: string }[] {
  const most = Math.max(1, count);
  const step = STEPS.find((size) => (to - from) / size <= most) ?? 28 * DAY;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    ticks.push({ at, text: clock(at, step) });
  }
  return ticks;
}

function clock(at: number, step: number): string {
  const iso = new Date(at).toISOString();
  if (step >= DAY) return day(iso);
  // midnight says which day begins
  if (step >= HOUR && at % DAY === 0) return day(iso);
  return step < MINUTE ? iso.slice(11, 19) : iso.slice(11, 16);
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `2026-11-22…` as `22 Nov`. */
export function day(iso: string): string {
  return `${Number(iso.slice(8, 10))} ${MONTHS[Number(iso.slice(5, 7)) - 1] ?? ""}`;
}
