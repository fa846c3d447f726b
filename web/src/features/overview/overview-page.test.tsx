import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { answer } from "../../testing/api";
import { open } from "../../testing/page";

const quote = {
  symbol: "AAPL",
  name: null,
  currency: "USD",
  price: "211.67",
  change_percent: "3.14",
  previous_close: "205.22",
  open: null,
  high: null,
  low: null,
  volume: null,
  trading_day: "2026-11-20",
  price_time: "2026-11-20T21:00:00Z",
  checked_at: "2026-11-22T18:48:06Z",
  stale: true,
  source: "alpha_vantage",
};

const watched = {
  symbol: "AAPL",
  name: null,
  quote,
  session: {
    state: "closed",
    as_of_session: "2026-11-20",
    opens_at: "2026-11-23T14:30:00Z",
    closes_at: "2026-11-23T21:00:00Z",
  },
  closes: [],
  sentiment: null,
  signal: {
    id: "54",
    at: "2026-11-22T18:48:08Z",
    state: "ok",
    label: "BUY",
    score: 0.316,
    quality: 0.744,
    closes: 100,
    formula_version: "composite/1",
  },
  alerts: { firing: 2, pending: 0 },
  refused: null,
};

const point = {
  id: "54",
  at: "2026-11-22T18:48:08Z",
  state: "ok",
  label: "BUY",
  c: 0.316,
  p: 0.629,
  s: -0.154,
  q: 0.744,
  formula_version: "composite/1",
};

const current = {
  ...point,
  cause: "sentiment/15",
  job: "77",
  terms: {
    M: 0.776,
    T: 0.591,
    D: 0.8,
    K: -0.282,
    S: -0.154,
    C: 0.316,
    P: 0.629,
    Q: 0.744,
    W: 1.5,
    RSI: 78.5,
    sigma: 0.0141,
    window: 100,
    contributions: [{ id: 40, score: -0.44, weight: 0.3 }],
  },
  inputs: { bars: { count: 100 }, clusters: [{ id: 40, source: "Benzinga", age_h: 5.5 }] },
};

const page = { items: [], next_cursor: null };
let table: Record<string, unknown>;

beforeEach(() => {
  table = {
    "GET /api/watchlist": { ...page, items: [watched] },
    "GET /api/signals/AAPL": {
      symbol: "AAPL",
      current,
      history: { items: [point, { ...point, id: "53", c: 0.2 }], next_cursor: null },
    },
    "GET /api/news/AAPL": {
      ...page,
      items: [
        {
          id: "93",
          cluster: "40",
          title: "Apple recalls units",
          url: "javascript:alert(1)",
          outlets: 1,
        },
      ],
    },
    "GET /api/alerts/recent": page,
    "GET /api/queues": page,
    "GET /api/limits": page,
    "GET /api/notices": page,
  };
});

test("a row tells price, change by sign and word, and that the price is stale", async () => {
  answer(table);
  open("/");
  const row = within(await screen.findByRole("row", { name: /AAPL/ }));
  expect(row.getByText("$211.67")).toBeTruthy();
  expect(row.getByText(/\+3\.14 %/)).toBeTruthy();
  expect(row.getByText("up")).toBeTruthy();
  expect(row.getByText("stale")).toBeTruthy();
  expect(row.getByText("Buy")).toBeTruthy();
  expect(row.getByRole("link", { name: "2 firing" }).getAttribute("href")).toBe(
    "/alerts?symbol=AAPL",
  );
});

test("a price tells its own time and session, apart from the last check", async () => {
  answer(table);
  open("/");
  const row = within(await screen.findByRole("row", { name: /AAPL/ }));
  expect(row.getByText("Fri close · 20 Nov 16:00 ET")).toBeTruthy();
  expect(row.getByText("closed, opens Mon 09:30 ET")).toBeTruthy();
  expect(row.getByText(/^checked \d+ d ago$/)).toBeTruthy();
});

test("every figure of the overview says how old it is while the server is away", async () => {
  answer(table);
  const { client } = open("/");
  await screen.findByRole("row", { name: /AAPL/ });
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await client.invalidateQueries();
  const strip = within(screen.getByRole("region", { name: "Now" }));
  await waitFor(() => expect(strip.getAllByText(/^as of/)).toHaveLength(4));
});

test("the explanation adds up to the signal, and its address can be shared", async () => {
  answer(table);
  const router = open("/");
  await userEvent.click(await screen.findByRole("button", { name: /Why AAPL/ }));
  expect(router.state.location.href).toBe("/?symbol=AAPL");
  expect(await screen.findByText("+0.210")).toBeTruthy();
  expect(screen.getByText(/after\s+sentiment\/15/)).toBeTruthy();
  expect(screen.getByText(/Benzinga · 6 h old/)).toBeTruthy();
});

test("a headline leads nowhere but to the web", async () => {
  answer(table);
  open("/?symbol=AAPL");
  const headline = await screen.findByText("Apple recalls units");
  expect(headline.closest("a")?.getAttribute("href")).toBeNull();
});

test("what was called for leads to its job", async () => {
  const jobs = [{ id: "464", kind: "scrape_batch", state: "available" }];
  answer({ ...table, "POST /scrape": { jobs } });
  open("/");
  await userEvent.click(await screen.findByRole("button", { name: "Fetch now" }));
  const link = await screen.findByRole("link", { name: "scrape_batch 464" });
  expect(link.getAttribute("href")).toBe("/jobs/464");
});

test("an empty watchlist says what to do", async () => {
  answer({ ...table, "GET /api/watchlist": page });
  open("/");
  expect(await screen.findByText("The watchlist is empty.")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Add symbol" })).toBeTruthy();
});

test("a symbol is added, and leads to the job that fetches its first prices", async () => {
  const jobs = [{ id: "465", kind: "scrape_batch", state: "available" }];
  const asked = answer({ ...table, "POST /api/watchlist": { symbol: "NVDA", jobs } });
  open("/");
  await userEvent.type(await screen.findByLabelText("Symbol to add"), " nvda ");
  await userEvent.click(screen.getByRole("button", { name: "Add symbol" }));
  expect(await screen.findByRole("link", { name: "scrape_batch 465" })).toBeTruthy();
  const sent = asked.find(({ method, path }) => method === "POST" && path === "/api/watchlist");
  expect(sent?.body).toEqual({ symbol: "NVDA" });
});

test("a symbol is removed from its opened row", async () => {
  const asked = answer({
    ...table,
    "DELETE /api/watchlist/AAPL": () => new Response(null, { status: 204 }),
  });
  open("/?symbol=AAPL");
  const remove = await screen.findByRole("button", { name: "Remove AAPL from the watchlist" });
  await userEvent.click(remove);
  await waitFor(() => expect(asked.some(({ method }) => method === "DELETE")).toBe(true));
  expect(asked.filter(({ path }) => path === "/api/watchlist").length).toBeGreaterThan(1);
});

test("a failure shows the problem's title and can be tried again", async () => {
  const { "GET /api/watchlist": quotes, ...rest } = table;
  answer(rest);
  open("/");
  expect(await screen.findByText("There is no such thing")).toBeTruthy();
  answer({ ...rest, "GET /api/watchlist": quotes });
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByText("$211.67")).toBeTruthy();
});
