import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { answer, problem } from "../../testing/api";
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
let table: Record<string, unknown>;

beforeEach(() => {
  table = {
    "GET /api/jobs": { items: [job], next_cursor: null },
    "GET /api/jobs/7": { ...job, attempts: [attempt], parents: ["1"], children: [] },
    "GET /api/jobs/7/why": { state: "parked", reason: "alpha_vantage has no permit", position: 2 },
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
  await userEvent.selectOptions(await screen.findByLabelText("Kind"), "scrape_quotes");
  await userEvent.type(screen.getByLabelText("Text"), "123");
  await waitFor(() => {
    expect(router.state.location.href).toBe("/jobs?state=parked&kind=scrape_quotes&q=123");
  });
});

test("a job's panel tells its attempts and why it is not running", async () => {
  answer(table);
  open("/jobs/7");
  expect(await screen.findByText("503 from the provider")).toBeTruthy();
  expect(screen.getByText("asked for AAPL")).toBeTruthy();
  expect(await screen.findByText(/alpha_vantage has no permit/)).toBeTruthy();
  expect(screen.getByText(/2 ahead of it/)).toBeTruthy();
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
      problem(422, { title: "The arguments do not fit", detail: "unknown field x", field: "args" }),
  });
  open("/jobs");
  await userEvent.click(await screen.findByRole("button", { name: "Enqueue job" }));
  const dialog = within(screen.getByRole("dialog", { hidden: true }));
  const args = dialog.getByLabelText("Arguments");

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
