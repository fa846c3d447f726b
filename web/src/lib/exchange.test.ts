import { expect, test } from "vitest";
import { exchangeTime } from "./exchange";

test("a time is the exchange's own, in winter and in summer", () => {
  expect(exchangeTime("2026-11-27T18:00:00Z")).toEqual({
    weekday: "Fri",
    day: "27 Nov",
    time: "13:00 ET",
  });
  expect(exchangeTime("2026-07-01T03:30:00Z")).toEqual({
    weekday: "Tue",
    day: "30 Jun",
    time: "23:30 ET",
  });
});
