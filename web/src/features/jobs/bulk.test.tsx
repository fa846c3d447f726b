import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { type Asked, answer, problem } from "../../testing/api";
import { open } from "../../testing/page";

const job = (id: string) => ({
  id,
  kind: "scrape_quotes",
  queue: "scraper",
  lane: "default",
  state: "discarded",
  priority: 4,
  attempt: 1,
  max_attempts: 5,
  args: {},
  unique_key: null,
  tags: [],
  parent: null,
  trace_id: null,
  created_at: "2026-11-22T18:48:06Z",
  scheduled_at: null,
  started_at: null,
  finished_at: null,
  worker: null,
  error: null,
  cancelling: false,
});

const page = { items: [], next_cursor: null };
let table: Record<string, unknown>;

beforeEach(() => {
  table = {
    "GET /api/jobs": { ...page, items: [job("7"), job("8"), job("9")] },
    "GET /api/queues": page,
    "GET /api/notices": page,
    "GET /api/kinds": page,
  };
});

const bulk = { id: null, action: "retry", dry_run: true, matched: 4, changed: 0, skipped: 0 };

/** Counts `count`, then does what `done` says. */
function counting(count: object, done: object) {
  return ({ body }: Asked) =>
    (body as { dry_run: boolean }).dry_run
      ? Response.json({ ...bulk, state: "done", ...count })
      : Response.json({ ...bulk, id: "5", dry_run: false, ...done });
}

const bodies = (asked: readonly Asked[]) =>
  asked.filter(({ path }) => path === "/api/jobs/bulk").map(({ body }) => body);
const dialog = () => within(screen.getByRole("dialog", { hidden: true }));

const selectMatching = async () =>
  userEvent.click(await screen.findByRole("button", { name: /^Select all .*matching$/ }));

test("what matches the filters is selected by a step of its own, and counted before it is changed", async () => {
  const asked = answer({
    ...table,
    "POST /api/jobs/bulk": counting({}, { changed: 3, skipped: 1, state: "done" }),
  });
  open("/jobs?state=discarded&kind=scrape_quotes");
  const retry = await screen.findByRole<HTMLButtonElement>("button", { name: "Retry…" });
  expect(retry.disabled).toBe(true);
  await selectMatching();
  await userEvent.click(await screen.findByRole("button", { name: "Retry…" }));
  const yes = await dialog().findByText("Retry 4 jobs");
  expect(dialog().getByText(/one that runs or waits already is left alone/)).toBeTruthy();
  const filter = { state: "discarded", kind: "scrape_quotes" };
  expect(bodies(asked)).toEqual([{ action: "retry", filter, dry_run: true }]);
  await userEvent.click(yes);
  expect(await dialog().findByText(/3 retried, 1 left alone/)).toBeTruthy();
  expect(bodies(asked)[1]).toEqual({ action: "retry", filter, dry_run: false });
});

test("selected rows are named by their ids, and another list begins without a selection", async () => {
  const asked = answer({ ...table, "POST /api/jobs/bulk": counting({}, { state: "done" }) });
  const router = open("/jobs");
  expect(await screen.findByText("No job selected")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /matching$/ })).toBeNull();
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "Delete…" }).disabled).toBe(true);
  await userEvent.click(await screen.findByRole("checkbox", { name: "Select job 7" }));
  await userEvent.click(screen.getByRole("checkbox", { name: "Select job 9" }));
  expect(screen.getByText("2 selected jobs")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Delete…" }));
  await dialog().findByText("Delete 4 jobs");
  expect(bodies(asked)).toEqual([{ action: "delete", filter: { ids: ["7", "9"] }, dry_run: true }]);
  await userEvent.click(dialog().getByText("Leave them"));
  await router.navigate({ to: "/jobs", search: { state: "discarded" } });
  const again = await screen.findByRole<HTMLInputElement>("checkbox", { name: "Select job 7" });
  expect(again.checked).toBe(false);
  expect(screen.getByText("No job selected")).toBeTruthy();
  await userEvent.click(await screen.findByRole("checkbox", { name: "Select all that are shown" }));
  expect(screen.getByText("3 selected jobs")).toBeTruthy();
});

test("more than a hundred jobs are changed only after their number is typed", async () => {
  answer({
    ...table,
    "POST /api/jobs/bulk": counting({ matched: 344 }, { state: "done" }),
  });
  open("/jobs?state=discarded");
  await selectMatching();
  await userEvent.click(await screen.findByRole("button", { name: "Delete…" }));
  const yes = await dialog().findByText<HTMLButtonElement>("Delete 344 jobs");
  expect(yes.disabled).toBe(true);
  await userEvent.type(dialog().getByLabelText("Type 344 to go on"), "344");
  expect(yes.disabled).toBe(false);
});

test("a large one is followed to its end, and can be stopped", async () => {
  const running = { matched: 1000, changed: 250, skipped: 0, state: "running" };
  let state = "running";
  const asked = answer({
    ...table,
    "POST /api/jobs/bulk": counting({}, running),
    "GET /api/jobs/bulk/5": () =>
      Response.json({ ...bulk, ...running, id: "5", dry_run: false, changed: 400, state }),
    "POST /api/jobs/bulk/5/cancel": () => {
      state = "cancelled";
      return Response.json({ ...bulk, ...running, id: "5", state });
    },
  });
  open("/jobs?state=discarded");
  await selectMatching();
  await userEvent.click(await screen.findByRole("button", { name: "Retry…" }));
  await userEvent.click(await dialog().findByText("Retry 4 jobs"));
  expect(await dialog().findByText(/400 retried of 1,000/)).toBeTruthy();
  const bar = dialog().getByRole("progressbar", { hidden: true });
  expect(bar.getAttribute("aria-valuetext")).toBe("400 of 1000");
  await userEvent.click(dialog().getByText("Stop"));
  expect(await dialog().findByText("Stopped.")).toBeTruthy();
  expect(asked.some(({ path }) => path === "/api/jobs/bulk/5/cancel")).toBe(true);
  expect(dialog().queryByText("Stop")).toBeNull();
});

test("a count that is refused says why, and nothing can be done", async () => {
  answer({
    ...table,
    "POST /api/jobs/bulk": () =>
      problem(403, { title: "Forbidden", detail: "this needs the role operator" }),
  });
  open("/jobs?state=discarded");
  await selectMatching();
  await userEvent.click(await screen.findByRole("button", { name: "Retry…" }));
  expect(await dialog().findByText("this needs the role operator")).toBeTruthy();
  expect(dialog().getByText<HTMLButtonElement>(/^Retry\s*$/).disabled).toBe(true);
});

test("a selected job that leaves the list stays the subject, and its row its place", async () => {
  const asked = answer({ ...table, "POST /api/jobs/bulk": counting({ matched: 1 }, {}) });
  const { client } = open("/jobs?state=discarded");
  await userEvent.click(await screen.findByRole("checkbox", { name: "Select job 8" }));
  answer(
    { ...table, "GET /api/jobs": { ...page, items: [job("11"), job("10"), job("9"), job("7")] } },
    asked,
  );
  await client.invalidateQueries({ queryKey: ["jobs"] });
  expect(await screen.findByRole("button", { name: "2 new – show" })).toBeTruthy();
  expect(screen.getByText("left the list")).toBeTruthy();
  expect(screen.getByText("1 selected job")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "2 new – show" }));
  expect(screen.getByText("1 selected job, 1 not shown")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Cancel…" }));
  await waitFor(() =>
    expect(bodies(asked)).toEqual([{ action: "cancel", filter: { ids: ["8"] }, dry_run: true }]),
  );
});
