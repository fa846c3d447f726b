import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { type Asked, answer, problem } from "../../testing/api";
import { open } from "../../testing/page";

const job = {
  id: "7",
  kind: "scrape_quotes",
  queue: "scraper",
  lane: "default",
  state: "parked",
  priority: 4,
  attempt: 1,
  max_attempts: 5,
  args: { symbol: "AAPL" },
  unique_key: null,
  tags: [],
  parent: null,
  trace_id: null,
  created_at: "2026-11-22T18:48:06Z",
  scheduled_at: null,
  started_at: null,
  finished_at: null,
  worker: null,
  error: "the provider said slow down",
  cancelling: false,
};

const attempt = {
  number: 1,
  worker: "w1",
  started_at: "2026-11-22T18:48:06Z",
  ended_at: "2026-11-22T18:48:07Z",
  outcome: "failed",
  error: "503 from the provider",
  log: ["asked for AAPL"],
};

const queue = {
  name: "scraper",
  paused: false,
  depth: { parked: 3, completed: 1200 },
  completed_per_minute: 1,
  wait_ms: {},
  run_ms: {},
};

const page = { items: [], next_cursor: null };

function kind(name: string, schema: unknown = {}) {
  return { kind: name, queue: "scraper", priority: 4, max_attempts: 5, schema };
}

const quotes = kind("scrape_quotes", {
  properties: { symbol: { type: "string" }, batch: { type: ["integer", "null"] } },
  required: ["symbol"],
});

let table: Record<string, unknown>;

beforeEach(() => {
  table = {
    "GET /api/jobs": { items: [job], next_cursor: null },
    "GET /api/jobs/7": {
      ...job,
      attempts: [attempt],
      parents: ["1", "5"],
      children: [],
      waits_for: [{ id: "5", kind: "scrape_batch", state: "running" }],
      waited_by: [],
      batch: { id: "2", name: "nightly", total: 40, done: 30, failed: 2, state: "running" },
    },
    "GET /api/jobs/7/why": {
      state: "parked",
      reason: "its limit has no permit",
      key: "alpha_vantage",
      dimension: "requests",
      position: 2,
      estimated_start_at: new Date(Date.now() + 3_600_000).toISOString(),
    },
    "GET /api/kinds": { ...page, items: [kind("prune"), kind("scrape_batch"), quotes] },
    "GET /api/queues": { ...page, items: [queue, { ...queue, name: "alert" }] },
    "GET /api/notices": page,
  };
});

test("tabs count every queue, or the one that is chosen", async () => {
  answer(table);
  const router = open("/jobs");
  expect(await screen.findByRole("link", { name: /completed\s*2,400/ })).toBeTruthy();
  await router.navigate({ to: "/jobs", search: { queue: "alert" } });
  expect(await screen.findByRole("link", { name: /completed\s*1,200/ })).toBeTruthy();
  expect(screen.getByText(/of the queue alert/)).toBeTruthy();
});

test("filters live in the address and reach the server", async () => {
  answer(table);
  const router = open("/jobs?state=parked");
  await screen.findByRole("option", { name: "scrape_quotes" });
  await userEvent.selectOptions(screen.getByLabelText("Kind"), "scrape_quotes");
  await userEvent.type(screen.getByLabelText("Text"), "123");
  await waitFor(() => {
    expect(router.state.location.href).toBe("/jobs?state=parked&kind=scrape_quotes&q=123");
  });
});

test("a list that has been made longer is asked anew by one request", async () => {
  const jobs = (first: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ ...job, id: `${first - n}` }));
  const asked = answer({
    ...table,
    "GET /api/jobs": ({ url }: Asked) => {
      const limit = Number(new URL(url).searchParams.get("limit"));
      return Response.json({ items: jobs(1000, limit), next_cursor: `jobs.${1001 - limit}` });
    },
  });
  const { client } = open("/jobs");
  await screen.findByText(/^50 shown/);
  await userEvent.click(screen.getByRole("button", { name: "Load more" }));
  await screen.findByText(/^100 shown/);
  const lists = () => asked.filter(({ path }) => path === "/api/jobs");
  const before = lists().length;
  await client.invalidateQueries({ queryKey: ["jobs", "list"] });
  expect(lists().length - before).toBe(1);
  expect(lists().at(-1)?.url).toContain("limit=100");
});

test("a search that ran out of time says how far it came", async () => {
  answer({ ...table, "GET /api/jobs": { items: [], next_cursor: "4711", searched_to: "4711" } });
  open("/jobs?q=nowhere");
  expect(await screen.findByText(/searched back to job 4711/)).toBeTruthy();
  expect(screen.getByText("No job fits these filters so far.")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Load more" })).toBeTruthy();
});

test("a job's panel tells its attempts and why it is not running", async () => {
  answer(table);
  open("/jobs/7");
  expect(await screen.findByText("503 from the provider")).toBeTruthy();
  expect(screen.getByText("asked for AAPL")).toBeTruthy();
  expect(await screen.findByText(/its limit has no permit/)).toBeTruthy();
  expect(screen.getByText(/2 ahead of it/)).toBeTruthy();
  expect(screen.getByText(/expected in (59 min|1 h)/)).toBeTruthy();
  const link = screen.getByRole("link", { name: "alpha_vantage" });
  expect(link.getAttribute("href")).toBe("/limits?key=alpha_vantage");
});

test("a job that ended without an attempt says why", async () => {
  const error = "job 5, for which it waited, did not complete";
  const ended = {
    ...(table["GET /api/jobs/7"] as object),
    state: "cancelled",
    attempts: [],
    error,
  };
  answer({ ...table, "GET /api/jobs": page, "GET /api/jobs/7": ended });
  open("/jobs/7");
  expect((await screen.findByText(error)).previousElementSibling?.textContent).toBe("Reason");
});

test("a completed job shows what its work returned", async () => {
  const completed = { ...(table["GET /api/jobs/7"] as object), state: "completed" };
  answer({ ...table, "GET /api/jobs": page, "GET /api/jobs/7": { ...completed, output: [0, 1] } });
  open("/jobs/7");
  const output = await screen.findByRole("region", { name: "Output" });
  expect(JSON.parse(output.querySelector("code")?.textContent ?? "")).toEqual([0, 1]);
});

test("a job without an output has no place for one", async () => {
  answer({
    ...table,
    "GET /api/jobs/7": { ...(table["GET /api/jobs/7"] as object), output: null },
  });
  open("/jobs/7");
  await screen.findByRole("region", { name: "Arguments" });
  expect(screen.queryByRole("region", { name: "Output" })).toBeNull();
});

test("the limit that a reason names leads to its page", async () => {
  const why = { state: "parked", reason: "limit newsapi is parked", key: "newsapi" };
  answer({ ...table, "GET /api/jobs/7/why": why });
  open("/jobs/7");
  const link = await screen.findByRole("link", { name: "newsapi" });
  expect(link.getAttribute("href")).toBe("/limits?key=newsapi");
  expect(link.parentElement?.textContent).toBe("Not running: limit newsapi is parked");
});

test("a job tells what it waits for, and how far its batch has come", async () => {
  answer(table);
  open("/jobs/7");
  const waits = within(await screen.findByRole("region", { name: "Waits for" }));
  expect(waits.getByRole("link", { name: "scrape_batch 5" })).toBeTruthy();
  expect(waits.getByText("running")).toBeTruthy();
  expect(screen.queryByRole("region", { name: "Waited for by" })).toBeNull();
  const parents = within(screen.getByRole("region", { name: "Parents" }));
  expect(parents.getAllByRole("link").map(({ textContent }) => textContent)).toEqual(["1"]);
  const bar = screen.getByRole("progressbar", { name: "Batch 2" });
  expect(bar.getAttribute("aria-valuetext")).toBe("32 of 40, 2 failed");
  expect(screen.getByText(/30 of 40 completed/)).toBeTruthy();
  expect(screen.getByRole("region", { name: "Batch 2" }).textContent).toContain("nightly");
});

test("a job is cancelled only after the question is answered", async () => {
  const asked = answer({ ...table, "POST /api/jobs/7/cancel": { ...job, state: "cancelled" } });
  open("/jobs/7");
  await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
  const posted = () => asked.filter(({ method }) => method === "POST").map(({ path }) => path);
  expect(posted()).toEqual([]);
  await userEvent.click(screen.getByRole("button", { name: "Cancel the job" }));
  await waitFor(() => expect(posted()).toEqual(["/api/jobs/7/cancel"]));
});

test("what the server refuses is shown at its field", async () => {
  const asked = answer({
    ...table,
    "POST /jobs": () =>
      problem(422, {
        title: "The arguments do not fit",
        detail: "unknown field x",
        field: "args.x",
      }),
  });
  open("/jobs");
  await userEvent.click(await screen.findByRole("button", { name: "Enqueue job" }));
  const dialog = within(screen.getByRole("dialog", { hidden: true }));
  const args = await dialog.findByLabelText("Arguments");

  fireEvent.change(args, { target: { value: "{" } });
  fireEvent.click(dialog.getByText("Enqueue"));
  expect((await dialog.findByRole("alert", { hidden: true })).textContent).toMatch(/not JSON/);
  expect(asked.some(({ method }) => method === "POST")).toBe(false);

  fireEvent.change(args, { target: { value: '{"x":1}' } });
  fireEvent.click(dialog.getByText("Enqueue"));
  expect((await dialog.findByText("unknown field x")).id).toBe(
    args.getAttribute("aria-describedby"),
  );
  const post = asked.find(({ method }) => method === "POST");
  expect(post?.body).toEqual({ kind: "scrape_batch", args: { x: 1 } });
  expect(post?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f]{32}$/);
});

test("a kind brings its arguments into the form", async () => {
  answer(table);
  open("/jobs");
  await userEvent.click(await screen.findByRole("button", { name: "Enqueue job" }));
  const dialog = within(screen.getByRole("dialog", { hidden: true }));
  const choice = await dialog.findByLabelText<HTMLSelectElement>("Kind");
  expect(choice.value).toBe("scrape_batch");
  await userEvent.selectOptions(choice, "scrape_quotes");
  const args = dialog.getByLabelText<HTMLTextAreaElement>("Arguments");
  expect(JSON.parse(args.value)).toEqual({ symbol: "AAPL" });
  const hint = document.getElementById(args.getAttribute("aria-describedby") ?? "");
  expect(hint?.textContent).toBe("symbol: string; batch: integer, optional");
});
