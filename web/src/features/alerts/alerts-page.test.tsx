import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { answer } from "../../testing/api";
import { open } from "../../testing/page";

const alert = {
  id: "1",
  rule: "2",
  symbol: "TSLA",
  kind: "price_change",
  severity: "warning",
  state: "firing",
  title: "TSLA fell 12.00 %",
  detail: { reason: null, values: { price: 133.28, age_s: 90 } },
  pending_at: null,
  fired_at: "2026-11-22T18:48:06Z",
  resolved_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
  snoozed_until: null,
};

const rest = { "GET /api/notices": { items: [], next_cursor: null } };

test("firing alerts come with the values that led to them", async () => {
  answer({ ...rest, "GET /api/alerts/recent": { items: [alert], next_cursor: null } });
  open("/alerts");
  expect(await screen.findByText("TSLA fell 12.00 %")).toBeTruthy();
  expect(screen.getByText("133.28")).toBeTruthy();
  expect(screen.getByText("1 min 30 s")).toBeTruthy();
  expect(screen.getByText("Counts cover every alert there is: 1")).toBeTruthy();
});

test("counts say so when there are older alerts", async () => {
  answer({ ...rest, "GET /api/alerts/recent": { items: [alert], next_cursor: "1" } });
  open("/alerts?state=resolved");
  expect(await screen.findByText("Counts cover the newest 1 alerts")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Load older alerts" })).toBeTruthy();
  expect(screen.getByText("Nothing has been resolved yet.")).toBeTruthy();
});
