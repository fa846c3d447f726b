import { expect, test } from "vitest";
import { formatMillis, formatScore, formatSeconds } from "./numbers";

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
