// The measure of the wording counts comments and prose, and neither strings nor code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { area, comments, judge, measure, totals } from "./voice.mjs";

const BAD = `//! What a batch is.
//! Somebody adds it.

/// Whether anyone
/// has asked.
fn is_asked() {} // for whoever reads
`;
const GOOD = `//! A batch, added by the schedule.

/// Returns true if a caller has asked.
fn is_asked() -> &'static str { "https://nobody.example // somebody" }
/// Matches \`nobody\`; what follows is text, not an opener.
const C: char = '"'; // the caller's
`;

test("unnamed actors and question words at the start of a doc comment are counted with their places", () => {
  const { words, actors, docs, openers } = measure("crates/a/src/lib.rs", BAD);
  assert.deepEqual([words, docs], [14, 2]);
  assert.deepEqual(actors.map((place) => place.split(": ").slice(0, 2).join(" ")), [
    "crates/a/src/lib.rs:2 Somebody",
    "crates/a/src/lib.rs:4 anyone",
    "crates/a/src/lib.rs:6 whoever",
  ]);
  assert.deepEqual(openers, ["crates/a/src/lib.rs:1: What a batch is.", "crates/a/src/lib.rs:4: Whether anyone"]);
});

test("strings, names in backticks and later lines of a comment are not counted", () => {
  const { actors, docs, openers } = measure("jobs/x.rs", GOOD);
  assert.deepEqual([actors, docs, openers], [[], 3, []]);
});

test("each language's comments are found, and a Markdown file without its code", () => {
  const texts = (name, text) => comments(name, text).map((one) => one.text.trim()).filter((line) => line !== "");
  assert.deepEqual(texts("a.sql", "select '-- no', 1; -- yes\n"), ["-- yes"]);
  assert.deepEqual(texts("a.ts", 'const url = "http://no"; // yes\n/* and\n this */'), ["// yes", "/* and", "this */"]);
  assert.deepEqual(texts("a.sh", "#!/bin/sh\n# yes\necho $# ${a#b}\n"), ["# yes"]);
  assert.deepEqual(texts("justfile", "# yes\nup:\n"), ["# yes"]);
  assert.deepEqual(texts("a.md", "yes\n```sh\nno\n```\nalso\n"), ["yes", "also"]);
  assert.deepEqual(texts("a.json", "// no\n"), []);
});

test("an area fails above the limits", () => {
  const [[name, bad]] = totals([{ name: "crates/a/src/lib.rs", text: BAD }]);
  assert.equal(name, "a");
  assert.equal(judge(bad).holds, false);
  const [[, good]] = totals([{ name: "jobs/x.rs", text: GOOD }]);
  assert.deepEqual(judge(good), { actors: 0, openers: 0, holds: true });
});

test("a crate and a folder are areas; files of the top level belong to docs or scripts", () => {
  const names = ["crates/api/src/lib.rs", "jobs/prune.rs", "README.md", "justfile", ".github/workflows/check.yml"];
  assert.deepEqual(names.map(area), ["api", "jobs", "docs", "scripts", "scripts"]);
});
