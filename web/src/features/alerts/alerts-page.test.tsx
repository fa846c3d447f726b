import { screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
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

/** Answers each state with its own alerts. */
function alerts(of: Record<string, unknown>) {
  return ({ url }: { url: string }) =>
    Response.json(of[new URL(url).searchParams.get("state") ?? ""] ?? none);
}

const none = { items: [], next_cursor: null };

test("firing alerts come with the values that led to them", async () => {
  const firing = { items: [alert], next_cursor: null };
  answer({ ...rest, "GET /api/alerts/recent": alerts({ firing }) });
  open("/alerts");
  expect(await screen.findByText("TSLA fell 12.00 %")).toBeTruthy();
  expect(screen.getByText("133.28")).toBeTruthy();
  expect(screen.getByText("1 min 30 s")).toBeTruthy();
  expect(screen.getByRole("link", { name: "firing 1" })).toBeTruthy();
});

test("a firing alert shows the price of now beside the one that it fired at", async () => {
  const quote = { price: "150.00", currency: "USD", change_percent: "1.20" };
  answer({
    ...rest,
    "GET /api/alerts/recent": alerts({ firing: { items: [alert], next_cursor: null } }),
    "GET /api/watchlist": { items: [{ symbol: "TSLA", quote }], next_cursor: null },
  });
  open("/alerts");
  expect((await screen.findByText(/^now \$150\.00/)).textContent).toContain("+1.20 %");
  expect(screen.getByText("133.28")).toBeTruthy();
});

test("a state has its own list, however many newer alerts another state has", async () => {
  const resolved = { items: [{ ...alert, id: "2", state: "resolved" }], next_cursor: "2" };
  answer({
    ...rest,
    "GET /api/alerts/recent": alerts({ resolved, firing: { items: [alert], next_cursor: null } }),
  });
  open("/alerts?state=resolved");
  expect(await screen.findByRole("link", { name: "resolved 1+" })).toBeTruthy();
  expect(screen.getByRole("button", { name: "Load older alerts" })).toBeTruthy();
  expect(await screen.findByRole("link", { name: "firing 1" })).toBeTruthy();
  expect(screen.getByRole("link", { name: "pending 0" })).toBeTruthy();
});

test("a chosen symbol keeps the alerts on the page until its own are there", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const own = { ...alert, id: "3", title: "AAPL rose 11.00 %", symbol: "AAPL" };
  const asked = answer({
    ...rest,
    "GET /api/alerts/recent": alerts({ firing: { items: [alert], next_cursor: null } }),
    "GET /api/watchlist": { items: [{ symbol: "AAPL" }, { symbol: "TSLA" }], next_cursor: null },
    "GET /api/alerts/AAPL": async (request: { url: string }) => {
      await held;
      return alerts({ firing: { items: [own], next_cursor: null } })(request);
    },
  });
  const router = open("/alerts");
  await screen.findByText("TSLA fell 12.00 %");
  await router.navigate({ to: "/alerts", search: { symbol: "AAPL" } });
  await vi.waitFor(() => expect(asked.some(({ path }) => path.endsWith("/AAPL"))).toBe(true));
  expect(screen.getByText("TSLA fell 12.00 %")).toBeTruthy();
  release();
  expect(await screen.findByText("AAPL rose 11.00 %")).toBeTruthy();
});
