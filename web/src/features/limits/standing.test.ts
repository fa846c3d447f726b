import { expect, test } from "vitest";
import { type Limit, type LimitWindow, lanesOf, standingOf, windowName } from "./standing";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const LATER = "2026-11-22T13:00:00Z";
const BEFORE = "2026-11-22T11:00:00Z";

const day: LimitWindow = {
  no: 0,
  dimension: "requests",
  amount: 25,
  base_amount: 25,
  override_until: null,
  period_seconds: 90_000,
  calendar: null,
  used: 3,
  remaining: 22,
  resets_at: null,
  exhausted_at: null,
};

const limit: Limit = {
  key: "alpha_vantage",
  counts_from: "finish",
  parent: null,
  windows: [day],
  in_flight: 0,
  in_flight_cap: null,
  next_permit_at: BEFORE,
  parked_until: null,
  parked_why: null,
  waiting: 0,
  reserve: null,
  breaker: null,
  lanes: [],
  spent_today: { requests: 3, tokens: 0, micros: 0 },
  retires_at: null,
};

const breaker = {
  state: "open" as const,
  failures: 5,
  threshold: 5,
  open_until: LATER,
  cooldown_seconds: 30,
};

const word = (changed: Partial<Limit>) => standingOf({ ...limit, ...changed }, NOW).word;

test("a limit is told by the gravest thing there is to say of it", () => {
  const full = { ...day, used: 25, remaining: 0 };
  expect(word({})).toBe("open");
  expect(word({ windows: [{ ...day, used: 21, remaining: 4 }] })).toBe("nearly used up");
  expect(word({ windows: [day, full] })).toBe("used up");
  expect(word({ windows: [full], breaker: { ...breaker, state: "half_open" } })).toBe("probing");
  expect(word({ windows: [full], breaker })).toBe("breaker open");
  expect(word({ windows: [full], breaker, parked_until: LATER })).toBe("parked");
  expect(word({ parked_until: BEFORE })).toBe("open");
});

test("a window that only paces calls is no reason for a warning when it is full", () => {
  expect(word({ windows: [{ ...day, period_seconds: 1.2, used: 25, remaining: 0 }] })).toBe("open");
});

test("what is used up says when something is left again", () => {
  const full = { ...day, used: 25, remaining: 0 };
  const standing = standingOf({ ...limit, windows: [full], next_permit_at: LATER }, NOW);
  expect(standing).toMatchObject({ until: LATER, why: "no requests in 25 h left" });
});

test("windows are named by what they count and how long they are", () => {
  const calendar = { unit: "day" as const, zone: "America/Los_Angeles" };
  expect(windowName(day)).toBe("requests in 25 h");
  expect(windowName({ ...day, dimension: "money", period_seconds: null, calendar })).toBe(
    "dollars a day in America/Los_Angeles",
  );
});

test("a lane lists every key that serves it, in the order in which they are asked", () => {
  const place = { queue: "analyzer", lane: "models" };
  const limits: Limit[] = [
    { ...limit, key: "lexicon", lanes: [{ ...place, position: 2, wait_seconds: null }] },
    { ...limit, key: "gemini", lanes: [{ ...place, position: 0, wait_seconds: 600 }] },
    { ...limit, key: "openai", lanes: [{ ...place, position: 1, wait_seconds: 60 }] },
    { ...limit, key: "newsapi", lanes: [{ ...place, lane: "news", position: 0 }] },
  ];
  expect(lanesOf(limits, "openai")).toEqual([
    {
      ...place,
      keys: [
        { key: "gemini", wait: 600 },
        { key: "openai", wait: 60 },
        { key: "lexicon", wait: null },
      ],
    },
  ]);
  expect(lanesOf(limits, "nobody")).toEqual([]);
});
