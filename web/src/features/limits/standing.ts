import type { Schemas } from "../../api/client";
import { formatCount, formatDollars, formatSeconds } from "../../lib/numbers";

export type Limit = Schemas["Limit"];
export type LimitWindow = Limit["windows"][number];

export interface Standing {
  word: string;
  /** A colour token of tokens.css. */
  tone: string;
  /** When it ends, where that is known. */
  until: string | null;
  why: string | null;
}

/** Usage of a window from which it is shown with a warning. */
const NEARLY = 0.8;
/** Shorter windows pace calls: being full is their trade. */
const PACE_SECONDS = 60;

/** State of a limit: the gravest fact about it. */
export function standingOf(limit: Limit, now: number): Standing {
  const ahead = (at: string | null | undefined): at is string => at != null && Date.parse(at) > now;
  if (ahead(limit.parked_until)) {
    return {
      word: "parked",
      tone: "held",
      until: limit.parked_until,
      why: limit.parked_why ?? null,
    };
  }
  const breaker = limit.breaker;
  if (breaker && breaker.state !== "closed") {
    const open = breaker.state === "open" && ahead(breaker.open_until);
    return open
      ? {
          word: "breaker open",
          tone: "bad",
          until: breaker.open_until ?? null,
          why:
            breaker.failures > 0 ? `${formatCount(breaker.failures)} calls in a row failed` : null,
        }
      : { word: "probing", tone: "warn", until: null, why: "one call tries whether it is back" };
  }
  const quotas = limit.windows.filter((window) => !paces(window));
  const full = quotas.find(({ remaining }) => remaining <= 0);
  if (full) {
    const until = [full.resets_at, limit.next_permit_at].find(ahead) ?? null;
    return { word: "used up", tone: "held", until, why: `no ${windowName(full)} left` };
  }
  const near = quotas.find(({ used, amount }) => used >= amount * NEARLY);
  if (near) {
    const why = `${amountOf(near, near.remaining)} of ${windowName(near)} left`;
    return { word: "nearly used up", tone: "warn", until: null, why };
  }
  return { word: "open", tone: "good", until: null, why: null };
}

/** Whether a window only spreads calls, so that it fills and empties all the time. */
export function paces({ period_seconds, calendar }: LimitWindow): boolean {
  return !calendar && period_seconds != null && period_seconds < PACE_SECONDS;
}

/** `requests in 25 h`, `dollars a day in America/Los_Angeles`. */
export function windowName({ dimension, period_seconds, calendar }: LimitWindow): string {
  const what = dimension === "money" ? "dollars" : dimension;
  if (calendar) return `${what} a ${calendar.unit} in ${calendar.zone}`;
  return period_seconds == null ? what : `${what} in ${formatSeconds(period_seconds)}`;
}

/** An amount in the window's dimension: calls and tokens are counted, money is in dollars. */
export function amountOf({ dimension }: Pick<LimitWindow, "dimension">, value: number): string {
  return dimension === "money" ? formatDollars(value) : formatCount(value);
}

export interface Lane {
  queue: string;
  lane: string;
  /** In the order in which they are asked. */
  keys: { key: string; wait: number | null }[];
}

/** Every lane that a limit serves, with all the keys that it falls back to. */
export function lanesOf(limits: readonly Limit[], key: string): Lane[] {
  const own = limits.find((limit) => limit.key === key)?.lanes ?? [];
  return own.map(({ queue, lane }) => ({
    queue,
    lane,
    keys: limits
      .flatMap((limit) => limit.lanes.map((place) => ({ ...place, key: limit.key })))
      .filter((place) => place.queue === queue && place.lane === lane)
      .sort((a, b) => a.position - b.position)
      .map((place) => ({ key: place.key, wait: place.wait_seconds ?? null })),
  }));
}
