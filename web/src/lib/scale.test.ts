import { expect, test } from "vitest";
import { linear, logarithmic, powerTicks, timeTicks, valueTicks } from "./scale";

test("a scale maps its ends onto its ends, and one without a span divides nothing by zero", () => {
  const y = linear([0, 25], [100, 0]);
  expect([y(0), y(12.5), y(25)]).toEqual([100, 50, 0]);
  expect(linear([3, 3], [0, 10])(3)).toBe(0);
  const power = logarithmic([1, 1000], [0, 30]);
  expect([power(0), power(1), power(10), power(1000)].map(Math.round)).toEqual([0, 0, 10, 30]);
});

test("an axis of values is round and holds the greatest", () => {
  expect(valueTicks(25)).toEqual([0, 10, 20, 30]);
  expect(valueTicks(0.3)).toEqual([0, 0.1, 0.2, 0.3]);
  expect(valueTicks(0).length).toBeGreaterThan(1);
  expect(powerTicks(7, 5300)).toEqual([1, 10, 100, 1000, 10_000]);
  expect(powerTicks(10, 10)).toEqual([10, 100]);
});

test("an axis of times is round, in UTC, and midnight names the day", () => {
  const from = Date.parse("2026-11-21T21:17:00Z");
  const texts = (hours: number, count: number) =>
    timeTicks(from, from + hours * 3_600_000, count).map(({ text }) => text);
  expect(texts(0.25, 3)).toEqual(["21:20", "21:25", "21:30"]);
  expect(texts(6, 6)).toEqual(["22:00", "23:00", "22 Nov", "01:00", "02:00", "03:00"]);
  expect(texts(72, 4)).toEqual(["22 Nov", "23 Nov", "24 Nov"]);
});
