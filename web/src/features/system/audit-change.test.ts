import { expect, test } from "vitest";
import { describeChange } from "./audit-change";

test("a change names what is different, from what to what", () => {
  expect(
    describeChange({ before: { cap: null, paused: false }, after: { cap: 20, paused: false } }),
  ).toBe("cap: none → 20");
});

test("what is told of before alone is not called changed", () => {
  const before = { state: "completed", kind: "prune", attempt: 1 };
  expect(describeChange({ before, after: { state: "available" } })).toBe(
    "state: completed → available",
  );
});

test("each window of a limit is told by its place", () => {
  const before = { windows: [{ no: 1, amount: 25, override_until: null }] };
  const after = { windows: [{ no: 1, amount: 9 }], for_seconds: 3600 };
  expect(describeChange({ before, after })).toBe("window 2: 25 → 9; for seconds: 3600");
  const ended = { windows: [{ no: 1, amount: null }], for_seconds: null };
  expect(describeChange({ before: after, after: ended })).toBe(
    "window 2: 9 → its own amount; for seconds: 3600 → none",
  );
});

test("what had no value before is told as it is, with its time in UTC", () => {
  const after = { parked_until: "2026-11-22T18:48:06.123456Z", parked_why: "by hand" };
  expect(describeChange({ before: null, after })).toBe(
    "parked until: 2026-11-22 18:48:06 UTC; parked why: by hand",
  );
});

test("other details are told by name, and none is told as nothing", () => {
  expect(describeChange({ filter: { state: "discarded" }, changed: 3, skipped: null })).toBe(
    'filter: {"state":"discarded"}; changed: 3',
  );
  expect(describeChange(null)).toBe("");
});
