// The rules hold over both overlays, and each rule finds a manifest that violates it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { FIXTURES } from "./policy/fixtures.mjs";
import { judge } from "./policy/index.mjs";
import { World } from "./policy/world.mjs";
import { files, K8S, OVERLAYS, objects, reached, rendered, stage } from "./tree.mjs";

const root = stage();
const matrix = parse(readFileSync(join(K8S, "tests/reachability.yaml"), "utf8"));
const made = new Map(OVERLAYS.map((overlay) => [overlay, objects(rendered(root, overlay))]));
const world = (overlay) => new World(structuredClone(made.get(overlay)), { overlay });
const lines = (found) => found.map((one) => `${one.rule}: ${one.at} ${one.says}`);

for (const overlay of OVERLAYS) {
  test(`${overlay} breaks no rule`, () => {
    assert.deepEqual(lines(judge(world(overlay), matrix)), []);
  });
}

for (const [rule, overlay, what, change] of FIXTURES) {
  test(`${rule} finds ${what}`, () => {
    const wrong = world(overlay);
    change(wrong);
    const found = judge(wrong, matrix);
    assert.ok(found.some((one) => one.rule === rule), `found only: ${lines(found).join("; ") || "nothing"}`);
  });
}

test("every file is read by an overlay", () => {
  const read = new Set(OVERLAYS.flatMap((overlay) => [...reached(root, join("overlays", overlay))]));
  const idle = files(root).filter((file) => /\.(ya?ml|json)$/.test(file) && !read.has(file));
  assert.deepEqual(idle, []);
});

test("base holds no Secret", () => {
  const base = objects(rendered(root, "../base"));
  assert.deepEqual(base.filter((one) => one.kind === "Secret").map((one) => one.metadata.name), []);
});
