import { render } from "@testing-library/react";
import { expect, test } from "vitest";
import { BurnDown } from "./burn-down";
import type { LimitWindow } from "./standing";

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

const window: LimitWindow = {
  no: 0,
  dimension: "requests",
  amount: 100,
  base_amount: 100,
  override_until: null,
  period_seconds: 43_200,
  calendar: null,
  used: 60,
  remaining: 40,
  resets_at: null,
  exhausted_at: null,
};
const points = [0, 30, 60].map((used, n) => ({ at: inHours(n * 3 - 6), used }));

function drawn(changed: Partial<LimitWindow>): string[] {
  const { container, unmount } = render(
    <BurnDown window={{ ...window, ...changed }} points={points} />,
  );
  const kinds = ["even", "forecast", "now"].filter((kind) => container.querySelector(`.${kind}`));
  unmount();
  return kinds;
}

test("a rolling window shows its past, and the way to its end where one is in sight", () => {
  expect(drawn({})).toEqual([]);
  expect(drawn({ exhausted_at: inHours(2) })).toEqual(["forecast", "now"]);
  expect(drawn({ used: 100, remaining: 0, exhausted_at: inHours(2) })).toEqual([]);
});

test("a calendar window shows the even pace to when it begins anew", () => {
  const calendar = { unit: "day" as const, zone: "UTC" };
  const day = { calendar, period_seconds: null, resets_at: inHours(6) };
  expect(drawn(day)).toEqual(["even", "now"]);
  expect(drawn({ ...day, exhausted_at: inHours(4) })).toEqual(["even", "forecast", "now"]);
});

test("the line ends where nothing is left", () => {
  const { container } = render(
    <BurnDown window={{ ...window, exhausted_at: inHours(2) }} points={points} />,
  );
  const ends = (kind: string) => container.querySelector(`.${kind}`)?.getAttribute("d") ?? "";
  const [, zero] = /V([\d.]+)H/.exec(ends("area")) ?? [];
  expect(ends("forecast")).toMatch(new RegExp(` ${zero}$`));
});

test("without a past there is nothing to draw", () => {
  const { container } = render(<BurnDown window={window} points={points.slice(0, 1)} />);
  expect(container.querySelector("svg")).toBeNull();
  expect(container.textContent).toBe("Nothing has been counted yet.");
});
