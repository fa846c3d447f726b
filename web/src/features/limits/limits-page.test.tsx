import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { type Asked, answer, problem } from "../../testing/api";
import { open } from "../../testing/page";

const KEY = "gemini/flash";
const PATH = "/api/limits/gemini%2Fflash";
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

const window = {
  no: 0,
  dimension: "requests",
  amount: 500,
  base_amount: 500,
  override_until: null,
  period_seconds: 90_000,
  calendar: null,
  used: 120,
  remaining: 380,
  resets_at: null,
  exhausted_at: inHours(3.5),
};

const money = {
  ...window,
  no: 1,
  dimension: "money",
  amount: 2_000_000,
  base_amount: 5_000_000,
  override_until: inHours(1.5),
  period_seconds: null,
  calendar: { unit: "day", zone: "America/Los_Angeles" },
  used: 500_000,
  remaining: 1_500_000,
  resets_at: inHours(6.5),
  exhausted_at: null,
};

const limit = {
  key: KEY,
  counts_from: "finish",
  parent: "gemini",
  windows: [window, money],
  in_flight: 2,
  in_flight_cap: 4,
  next_permit_at: inHours(-1),
  parked_until: null,
  parked_why: null,
  waiting: 30,
  reserve: { share: 0.2, priority: 2 },
  breaker: {
    state: "closed",
    failures: 1,
    threshold: 5,
    open_until: null,
    cooldown_seconds: 30,
  },
  lanes: [{ queue: "analyzer", lane: "models", position: 0, wait_seconds: 600 }],
  spent_today: { requests: 120, tokens: 250_000, micros: 500_000 },
  retires_at: inHours(24 * 40),
};

const lexicon = {
  ...limit,
  key: "lexicon",
  parent: null,
  windows: [],
  waiting: 0,
  reserve: null,
  breaker: null,
  lanes: [{ queue: "analyzer", lane: "models", position: 1, wait_seconds: null }],
  retires_at: null,
};

const history = [
  { no: 0, points: [20, 80, 120].map((used, n) => ({ at: inHours(n - 2), used })) },
  { no: 1, points: [0, 500_000].map((used, n) => ({ at: inHours(n * 6 - 6), used })) },
];
const days = [
  { day: "2026-11-21", requests: 400, tokens: 900_000, micros: 1_250_000 },
  { day: "2026-11-22", requests: 120, tokens: 250_000, micros: 500_000 },
];

let table: Record<string, unknown>;

beforeEach(() => {
  table = {
    "GET /api/notices": { items: [], next_cursor: null },
    "GET /api/queues": { items: [{ name: "analyzer", depth: { parked: 30 } }], next_cursor: null },
    "GET /api/limits": { items: [limit, { ...lexicon, waiting: 30 }], next_cursor: null },
    [`GET ${PATH}`]: { ...limit, history, days },
    "GET /api/limits/lexicon": { ...lexicon, history: [], days: [] },
  };
});

const panel = async () => within(await screen.findByRole("region", { name: KEY }));
const dialog = () => within(screen.getByRole("dialog", { hidden: true }));
const told = (asked: readonly Asked[]) =>
  asked
    .filter(({ method }) => method !== "GET")
    .map(({ method, path, body }) => ({ method, path, body }));

test("each key tells how much of each window is used, what is left, and when it will be gone", async () => {
  answer(table);
  open("/limits");
  const card = within(await screen.findByRole("article", { name: KEY }));
  expect(card.getByText("120 of 500")).toBeTruthy();
  expect(card.getByText(/380 left/).textContent).toMatch(/used up in 3 h (29|30) min/);
  expect(card.getByText("$0.50 of $2.00")).toBeTruthy();
  expect(card.getByText(/\$1.50 left/).textContent).toMatch(/whole again in 6 h (29|30) min/);
  expect(card.getByText("2 of 4")).toBeTruthy();
  expect(card.getByText("30")).toBeTruthy();
  expect(await card.findAllByRole("img")).toHaveLength(2);
});

test("a job that two keys may serve waits once", async () => {
  answer(table);
  open("/limits");
  const waiting = await screen.findAllByText("Jobs waiting");
  await waitFor(() => expect(waiting[0]?.nextElementSibling?.textContent).toBe("30"));
});

test("the address names the key that is shown in full", async () => {
  answer(table);
  const router = open("/limits");
  await userEvent.click(await screen.findByRole("link", { name: KEY }));
  await waitFor(() => expect(router.state.location.search).toEqual({ key: KEY }));
  const shown = await panel();
  expect(await shown.findByText(/instead of \$5.00/)).toBeTruthy();
  expect(shown.getByText(/20 % for jobs of priority 2/)).toBeTruthy();
  expect(shown.getByText(/closed, 1 of 5 failures in a row/)).toBeTruthy();
  expect(shown.getByText(/in (39|40) d/)).toBeTruthy();
  const lanes = within(shown.getByRole("region", { name: "Lanes" }));
  expect(lanes.getAllByRole("listitem").map(({ textContent }) => textContent)).toEqual([
    expect.stringContaining("analyzer"),
    expect.stringMatching(/gemini\/flash.*more than 10 min away/),
    expect.stringContaining("lexicon"),
  ]);
  const spent = within(shown.getByRole("region", { name: "Cost a day" }));
  expect(spent.getByRole("row", { name: /21 Nov 400 900,000 \$1.25/ })).toBeTruthy();
  expect(shown.getByRole("img", { name: "requests in 25 h: 380 of 500 left" })).toBeTruthy();
});

test("a key that is not there is said to be missing", async () => {
  answer(table);
  open("/limits?key=nobody");
  expect(await screen.findByText("There is no key nobody.")).toBeTruthy();
});

test("a parked key says why and for how long, and is resumed after a question", async () => {
  const parked = { ...limit, parked_until: inHours(0.5), parked_why: "429 from the provider" };
  const asked = answer({
    ...table,
    "GET /api/limits": { items: [parked], next_cursor: null },
    [`POST ${PATH}/resume`]: limit,
  });
  open(`/limits?key=${encodeURIComponent(KEY)}`);
  const shown = await panel();
  expect(shown.getByText(/^parked/, { selector: "p strong" }).textContent).toMatch(
    /parked for (29 min \d+ s|30 min)/,
  );
  await userEvent.click(shown.getByRole("button", { name: "Resume" }));
  expect(dialog().getByText(/429 from the provider/)).toBeTruthy();
  expect(told(asked)).toEqual([]);
  await userEvent.click(dialog().getByText("Resume"));
  await waitFor(() =>
    expect(told(asked)).toEqual([{ method: "POST", path: `${PATH}/resume`, body: undefined }]),
  );
  await waitFor(() => expect(screen.queryByRole("dialog", { hidden: true })).toBeNull());
});

test("parking takes a time and a reason", async () => {
  const asked = answer({ ...table, [`POST ${PATH}/park`]: limit });
  open(`/limits?key=${encodeURIComponent(KEY)}`);
  await userEvent.click((await panel()).getByRole("button", { name: "Park" }));
  await userEvent.selectOptions(dialog().getByLabelText("For"), "15 min");
  await userEvent.type(dialog().getByLabelText("Reason"), "maintenance");
  await userEvent.click(dialog().getByText("Park"));
  await waitFor(() =>
    expect(told(asked)).toEqual([
      { method: "POST", path: `${PATH}/park`, body: { seconds: 900, reason: "maintenance" } },
    ]),
  );
});

test("what the server refuses stays in the dialog", async () => {
  answer({
    ...table,
    [`POST ${PATH}/trip`]: () =>
      problem(403, { title: "Forbidden", detail: "this needs the role operator" }),
  });
  open(`/limits?key=${encodeURIComponent(KEY)}`);
  await userEvent.click((await panel()).getByRole("button", { name: "Trip breaker" }));
  await userEvent.click(dialog().getByText("Trip"));
  expect(await dialog().findByText("this needs the role operator")).toBeTruthy();
  expect(dialog().getByText(/may look, not act/)).toBeTruthy();
});

test("a window of money is overridden in dollars, and an override is ended", async () => {
  const asked = answer({ ...table, [`PATCH ${PATH}`]: limit });
  open(`/limits?key=${encodeURIComponent(KEY)}`);
  const shown = await panel();
  const override = () => shown.findByRole("button", { name: /Override dollars/ });
  await userEvent.click(await override());
  const amount = dialog().getByLabelText("Dollars");
  await userEvent.clear(amount);
  await userEvent.type(amount, "two");
  expect(dialog().getByText<HTMLButtonElement>("Override").disabled).toBe(true);
  await userEvent.clear(amount);
  await userEvent.type(amount, "2.50");
  await userEvent.click(dialog().getByText("Override"));
  await waitFor(() => expect(screen.queryByRole("dialog", { hidden: true })).toBeNull());
  await userEvent.click(await override());
  await userEvent.click(dialog().getByText("End the present override"));
  await waitFor(() => expect(told(asked)).toHaveLength(2));
  expect(told(asked).map(({ body }) => body)).toEqual([
    { windows: [{ no: 1, amount: 2_500_000 }], for_seconds: 3600 },
    { windows: [{ no: 1, amount: null }] },
  ]);
});

test("calls made elsewhere are counted only when there are some", async () => {
  const asked = answer({ ...table, [`POST ${PATH}/count`]: limit });
  open(`/limits?key=${encodeURIComponent(KEY)}`);
  await userEvent.click((await panel()).getByRole("button", { name: /Count calls/ }));
  const count = () => dialog().getByText<HTMLButtonElement>("Count");
  expect(count().disabled).toBe(true);
  await userEvent.type(dialog().getByLabelText("Calls"), "3");
  await userEvent.type(dialog().getByLabelText("Dollars"), "0.01");
  await userEvent.click(count());
  await waitFor(() => expect(told(asked)[0]?.body).toEqual({ requests: 3, micros: 10_000 }));
});

test("without any limit the page says where they come from", async () => {
  answer({ ...table, "GET /api/limits": { items: [], next_cursor: null } });
  open("/limits");
  expect(await screen.findByText("No provider has a limit yet.")).toBeTruthy();
});

test("limits that cannot be read say why, and are asked for again", async () => {
  let away = true;
  answer({
    ...table,
    "GET /api/limits": () =>
      away
        ? problem(503, { title: "The database does not answer", detail: "try again" })
        : Response.json({ items: [limit], next_cursor: null }),
  });
  open("/limits");
  expect(await screen.findByText("The database does not answer")).toBeTruthy();
  away = false;
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("article", { name: KEY })).toBeTruthy();
});
