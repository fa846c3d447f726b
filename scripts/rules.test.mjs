// The rules catch what they are for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allowed, permits, rules, unlicensed, violations } from "./rules.mjs";

const CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index";
const TEXT = `
deny = [
  # a comment
  { crate = "axum", wrappers = ["bellwether-api"], reason = "HTTP is the API's" },
  { crate = "bellwether-api", wrappers = ["bellwether-cli"], reason = "the binary composes" },
  { crate = "bellwether-store", wrappers = [], reason = "unused" },
]`;

function graph(user, kinds, source = CRATES_IO) {
  return {
    packages: [
      { id: "u", name: user, source: null },
      { id: "a", name: "axum", source },
    ],
    workspace_members: ["u"],
    resolve: {
      nodes: [
        { id: "u", deps: [{ pkg: "a", dep_kinds: kinds.map((kind) => ({ kind })) }] },
        { id: "a", deps: [] },
      ],
    },
  };
}

test("a named wrapper may, another may not", () => {
  const found = rules(TEXT);
  assert.deepEqual(violations(graph("bellwether-api", [null]), found), []);
  assert.deepEqual(violations(graph("bellwether-store", [null]), found), [
    "bellwether-store may not depend on axum: HTTP is the API's",
  ]);
});

test("tests alone are free, a build script is not", () => {
  const found = rules(TEXT);
  assert.deepEqual(violations(graph("bellwether-store", ["dev"]), found), []);
  assert.equal(violations(graph("bellwether-store", ["dev", "build"]), found).length, 1);
});

test("a crate of ours without a rule and a crate from elsewhere are named", () => {
  const found = rules(TEXT);
  assert.deepEqual(violations(graph("bellwether-new", ["dev"], "git+https://example.com"), found), [
    "axum comes from git+https://example.com",
    "deny.toml does not say who may depend on bellwether-new",
  ]);
});

test("a malformed rule is an error, not a rule less", () => {
  assert.throws(() => rules('  { crate = "axum" },'), /deny.toml:1/);
  assert.throws(() => rules(""), /no rules/);
});

test("a licence counts where it is allowed, in a choice or with the others that are needed", () => {
  const licences = allowed('[licenses]\nversion = 2\n# a comment\nallow = ["MIT", "ISC"]\n');
  for (const one of ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "ISC AND (GPL-3.0 OR MIT)"]) assert.ok(permits(one, licences), one);
  for (const one of ["GPL-3.0", "MIT AND GPL-3.0", "ISC AND (GPL-3.0 OR BSL-1.0)", "MIT WITH Some-exception"]) assert.ok(!permits(one, licences), one);
  const packages = [{ name: "good", version: "1.0.0", license: "MIT" }, { name: "bad", version: "2.0.0", license: "AGPL-3.0" }, { name: "none", version: "3.0.0" }];
  assert.deepEqual(unlicensed({ packages }, licences), [
    "bad 2.0.0 is under AGPL-3.0: deny.toml does not allow it",
    "none 3.0.0 is under no licence that it names: deny.toml does not allow it",
  ]);
  assert.throws(() => allowed("[bans]\n"), /no licence/);
});
