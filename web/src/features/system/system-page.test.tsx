import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { answer, problem } from "../../testing/api";
import { open } from "../../testing/page";

const spread = { p50: 12, p95: 250, p99: 4200 };
const from = Date.parse("2026-11-22T18:00:00Z");
const point = (n: number, completed: number) => ({
  at: new Date(from + n * 60_000).toISOString(),
  enqueued: completed,
  started: completed,
  completed,
  failed: n,
  discarded: 0,
  cancelled: 0,
  wait_ms: completed > 0 ? spread : null,
  run_ms: completed > 0 ? spread : null,
});

const stats = {
  range_seconds: 3600,
  step_seconds: 60,
  from: "2026-11-22T18:00:00Z",
  to: "2026-11-22T18:03:00Z",
  points: [point(0, 4), point(1, 0), point(2, 8)],
  kinds: [
    {
      kind: "scrape_news",
      queue: "scraper",
      completed: 1200,
      failed: 3,
      discarded: 1,
      wait_ms: spread,
      run_ms: null,
    },
  ],
};

const queue = {
  name: "scraper",
  paused: false,
  depth: { completed: 1200 },
  completed_per_minute: 1,
  concurrency: 8,
  cap: null,
  wait_ms: {},
  run_ms: {},
};

const entry = {
  id: "3",
  at: "2026-11-22T18:00:00Z",
  actor: "operator/5f2b9c01",
  action: "limit.park",
  subject: "newsapi",
  detail: { before: { parked_why: null }, after: { parked_why: "by hand" } },
};

const page = { items: [], next_cursor: null };
let table: Record<string, unknown>;

beforeEach(() => {
  table = {
    "GET /api/notices": page,
    "GET /api/stats": stats,
    "GET /api/queues": { ...page, items: [queue] },
    "GET /api/schedules": page,
    "GET /api/workers": page,
    "GET /api/audit": { items: [entry], next_cursor: null },
  };
});

test("a chart is read off by keys, moment by moment", async () => {
  answer(table);
  open("/system");
  const throughput = await screen.findByRole("slider", { name: "Throughput, moment" });
  expect(throughput.getAttribute("aria-valuetext")).toBe("18:02: completed 8, failed 2");
  fireEvent.change(throughput, { target: { value: "1" } });
  expect(throughput.getAttribute("aria-valuetext")).toBe("18:01: completed 0, failed 1");
  const wait = screen.getByRole("slider", { name: "Wait, moment" });
  expect(wait.getAttribute("aria-valuetext")).toBe("18:02: p50 12 ms, p95 250 ms, p99 4.2 s");
  fireEvent.change(wait, { target: { value: "1" } });
  expect(wait.getAttribute("aria-valuetext")).toBe("18:01: p50 –, p95 –, p99 –");
});

test("what lies between two gaps is seen", async () => {
  answer(table);
  open("/system");
  const charts = await screen.findAllByRole("figure");
  const dots = charts.map((chart) => chart.querySelectorAll("circle").length);
  expect(dots).toEqual([0, 6, 6]);
});

test("the range and the kind live in the address and reach the server", async () => {
  const asked: string[] = [];
  answer({
    ...table,
    "GET /api/stats": ({ url }: { url: string }) => {
      asked.push(new URL(url).search);
      return Response.json(stats);
    },
  });
  const router = open("/system");
  await userEvent.click(await screen.findByRole("link", { name: "6h" }));
  await waitFor(() => expect(router.state.location.href).toBe("/system?range=6h"));
  await userEvent.click(screen.getByRole("link", { name: "scrape_news" }));
  await waitFor(() =>
    expect(asked).toEqual(["?range=1h", "?range=6h", "?range=6h&kind=scrape_news"]),
  );
  await userEvent.click(screen.getByRole("button", { name: "Show all" }));
  await waitFor(() => expect(router.state.location.href).toBe("/system?range=6h"));
});

test("kinds are told by number and by percentiles", async () => {
  answer(table);
  open("/system");
  const row = await screen.findByRole("row", { name: /scrape_news/ });
  expect(row.textContent).toContain("1,200");
  expect(row.textContent).toContain("12 ms / 250 ms / 4.2 s");
});

test("a queue's cap is changed, and what does not fit is told at its field", async () => {
  const asked = answer({
    ...table,
    "PATCH /api/queues/scraper": ({ body }: { body: { cap: number } }) =>
      body.cap > 100
        ? problem(422, { title: "It does not fit", detail: "0 to 100", field: "cap" })
        : Response.json({ ...queue, cap: body.cap }),
  });
  open("/system");
  expect(await screen.findByText("8 a process")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Change scraper" }));
  const dialog = within(screen.getByRole("dialog", { hidden: true }));
  fireEvent.change(dialog.getByLabelText("In all together"), { target: { value: "200" } });
  await userEvent.click(dialog.getByText("Change"));
  expect(await dialog.findByText("0 to 100")).toBeTruthy();
  fireEvent.change(dialog.getByLabelText("In each process"), { target: { value: "" } });
  fireEvent.change(dialog.getByLabelText("In all together"), { target: { value: "20" } });
  await userEvent.click(dialog.getByText("Change"));
  await waitFor(() => expect(screen.queryByRole("dialog", { hidden: true })).toBeNull());
  const bodies = asked.filter(({ method }) => method === "PATCH").map(({ body }) => body);
  expect(bodies).toEqual([
    { concurrency: 8, cap: 200 },
    { concurrency: null, cap: 20 },
  ]);
});

test("the audit tells who did what, and leads to it", async () => {
  answer(table);
  open("/system");
  const row = await screen.findByRole("row", { name: /operator\/5f2b9c01/ });
  expect(row.textContent).toContain("limit: park");
  expect(row.textContent).toContain("parked why: none → by hand");
  const link = within(row).getByRole("link", { name: "newsapi" });
  expect(link.getAttribute("href")).toBe("/limits?key=newsapi");
});
