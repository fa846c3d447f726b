import { afterEach, expect, test, vi } from "vitest";
import { absolute, relative, seconds } from "./time";

afterEach(() => vi.useRealTimers());

test("a time is told by its distance, before and after", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  const ago = (seconds: number) => relative(now - seconds * 1000, now);
  expect([ago(2), ago(30), ago(90), ago(7200), ago(200_000)]).toEqual([
    "just now",
    "30 s ago",
    "1 min ago",
    "2 h ago",
    "2 d ago",
  ]);
  expect(ago(-120)).toBe("in 2 min");
});

test("the exact time is in UTC", () => {
  expect(absolute("2026-11-22T13:48:06.123456-05:00")).toBe("2026-11-22 18:48:06 UTC");
  expect(absolute("soon")).toBe("soon");
});

test("an unwatched clock is right as soon as it is watched", () => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T12:00:00Z") });
  const leave = seconds.subscribe(() => {});
  vi.advanceTimersByTime(1000);
  leave();
  vi.advanceTimersByTime(3_600_000);
  const told = vi.fn();
  const again = seconds.subscribe(told);
  expect(seconds.get()).toBe(Date.parse("2026-11-22T13:00:01Z"));
  vi.advanceTimersByTime(2000);
  expect(seconds.get()).toBe(Date.parse("2026-11-22T13:00:03Z"));
  expect(told).toHaveBeenCalled();
  again();
});
