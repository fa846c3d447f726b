import { expect, test } from "vitest";
import {
  formatDollars,
  formatMillis,
  formatScore,
  formatSeconds,
  formatShort,
  parseDollars,
} from "./numbers";

test("a score shows its sign, and zero has none", () => {
  expect(formatScore(0.324)).toBe("+0.32");
  expect(formatScore(-0.15)).toBe("−0.15");
  expect(formatScore(-0.001)).toBe("0.00");
});

test("spans are told in at most two units, and limits' windows in hours", () => {
  expect(formatSeconds(1.2)).toBe("1.2 s");
  expect(formatSeconds(90)).toBe("1 min 30 s");
  expect(formatSeconds(43_200)).toBe("12 h");
  expect(formatSeconds(90_000)).toBe("25 h");
  expect(formatSeconds(200_000)).toBe("2 d 7 h");
  expect(formatMillis(14.4)).toBe("14 ms");
  expect(formatMillis(2233)).toBe("2.2 s");
  expect(formatMillis(65_000)).toBe("1 min 5 s");
});

test("money is told in dollars, and what is less than a cent is not told as nothing", () => {
  expect([0, 12_500_000, 1_234_567_890, 9_999, 42].map(formatDollars)).toEqual([
    "$0.00",
    "$12.50",
    "$1,234.57",
    "$0.01",
    "$0.000042",
  ]);
});

test("dollars are read as people type them, and nothing else is", () => {
  expect(["2.5", "$1,000", "0.000001", "0"].map(parseDollars)).toEqual([
    2_500_000, 1_000_000_000, 1, 0,
  ]);
  expect(["", "-1", "1e3", "two", "0.0000001"].map(parseDollars)).toEqual(Array(5).fill(null));
});

test("an axis abbreviates", () => {
  expect([0, 0.5, 950, 1500, 250_000, 2_000_000].map(formatShort)).toEqual([
    "0",
    "0.5",
    "950",
    "1.5k",
    "250k",
    "2M",
  ]);
});
