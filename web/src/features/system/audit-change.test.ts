import { expect, test } from "vitest";
import { describeChange } from "./audit-change";

test("a change names what is different, from what to what", () => {
  expect(
    describeChange({ before: { cap: null, paused: false }, after: { cap: 20, paused: false } }),
  ).toBe("cap: none → 20");
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
