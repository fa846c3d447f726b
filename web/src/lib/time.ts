import { createStore, type Store } from "./store";

/** The present, for "5 min ago"; a tick every five seconds while a component shows it. */
export const now: Store<number> = ticking(5000);

/** The present, for countdowns. */
export const seconds: Store<number> = ticking(1000);

function ticking(every: number): Store<number> {
  const store = createStore(Date.now());
  let watchers = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    ...store,
    subscribe: (listener) => {
      const leave = store.subscribe(listener);
      watchers += 1;
      if (timer === undefined) {
        // no component was subscribed, so the value is old
        store.set(Date.now());
        timer = setInterval(() => store.set(Date.now()), every);
      }
      return () => {
        leave();
        watchers -= 1;
        if (watchers > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

const STEPS = [
  ["s", 60],
  ["min", 60],
  ["h", 24],
  ["d", Number.POSITIVE_INFINITY],
] as const;

/** `just now`, `5 min ago`, `in 3 h`. */
export function relative(at: number, present: number): string {
  const past = at <= present;
  let amount = Math.abs(present - at) / 1000;
  if (amount < 5) return "just now";
  for (const [unit, size] of STEPS) {
    const whole = Math.floor(amount);
    if (whole < size) return past ? `${whole} ${unit} ago` : `in ${whole} ${unit}`;
    amount /= size;
  }
  return "";
}

/** `2026-11-22 18:48:06 UTC` */
export function absolute(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? at
    : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
