// The count of files that name one thing reads code and settings, and neither comments nor tests.
import assert from "node:assert/strict";
import { test } from "node:test";
import { code, counts, spread } from "./spread.mjs";

const subjects = { provider: { most: 1, deployed: 0, members: { acme: /acme/i } } };
const found = (files) => spread(files, subjects)[0].names;

test("code and settings count, each module of a member once", () => {
  const files = [
    { name: "crates/providers/src/acme.rs", text: "struct Acme;" },
    { name: "crates/providers/src/acme/answer.rs", text: "struct Answer; // of Acme" },
    { name: "jobs/limits.rs", text: 'const KEY: &str = "acme";' },
    { name: ".env.example", text: "# ACME_API_KEY=" },
  ];
  assert.deepEqual(found(files), ["crates/providers/src/acme.rs", "jobs/limits.rs", ".env.example"]);
});

test("comments, unit tests, tests and what is generated do not count", () => {
  const files = [
    { name: "a.rs", text: '// acme\nfn a() {}\n#[cfg(test)]\nmod tests {\n    const A: &str = "acme";\n}\n' },
    { name: "crates/cli/tests/a.rs", text: 'const A: &str = "acme";' },
    { name: "crates/api/openapi.json", text: '"acme"' },
    { name: "README.md", text: "acme" },
  ];
  assert.deepEqual(found(files), []);
  assert.equal(counts("jobs/tests/jobs/a.rs"), false);
});

test("the pipeline may name a kind, a list of kinds may not", () => {
  const kinds = { kind: { most: 1, deployed: 0, members: { derive_signal: /DeriveSignal/ } } };
  const files = [
    { name: "jobs/derive_signal.rs", text: "struct DeriveSignal;" },
    { name: "jobs/scrape_quotes.rs", text: "enqueue(DeriveSignal)" },
    { name: "crates/cli/src/args.rs", text: "DeriveSignal" },
  ];
  assert.deepEqual(spread(files, kinds)[0].names, ["jobs/derive_signal.rs", "crates/cli/src/args.rs"]);
});

test("an example in a description is no use of a name", () => {
  assert.equal(code("a.rs", 'params(("key", example = "acme"))'), 'params(("key", ))');
});
