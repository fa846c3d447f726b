import { expect, test } from "vitest";
import type { Schemas } from "../../api/client";
import { hold } from "./hold";

type Job = Schemas["Job"];

const jobs = (...ids: number[]) => ids.map((id) => ({ id: String(id), state: "available" }) as Job);
const ids = (list: readonly Job[]) => list.map(({ id }) => Number(id));

test("rows keep their places, and newer jobs are counted", () => {
  const held = hold(jobs(12, 11, 9), jobs(14, 13, 12, 11, 9), false);
  expect(ids(held.jobs)).toEqual([12, 11, 9]);
  expect(held.fresh).toBe(2);
  expect(held.gone.size).toBe(0);
});

test("a row that the live list has no more stays and is marked", () => {
  const held = hold(jobs(12, 11, 9), jobs(12, 9, 8), false);
  expect(ids(held.jobs)).toEqual([12, 11, 9, 8]);
  expect([...held.gone]).toEqual(["11"]);
});

test("a row beyond the end of the live list is not called gone, unless that is all of it", () => {
  expect(hold(jobs(100, 9), jobs(103, 102, 101), false).gone.size).toBe(0);
  expect([...hold(jobs(100, 9), jobs(103, 102, 101), true).gone]).toEqual(["100", "9"]);
});

test("a row shows the newest state that is known of its job", () => {
  const [job] = hold(jobs(12), [{ ...jobs(12)[0], state: "running" } as Job], true).jobs;
  expect(job?.state).toBe("running");
});

test("numbers decide what is older, not texts", () => {
  expect(ids(hold(jobs(100, 99), jobs(100, 99, 9), true).jobs)).toEqual([100, 99, 9]);
});
