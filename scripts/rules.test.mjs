// The rules catch what they are for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rules, violations } from "./rules.mjs";

const CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index";
const TEXT = `
deny = [
  # a comment
  { crate = "axum", wrappers = ["bellwether-api"], reason = "HTTP is the API's" },
  { crate = "bellwether-api", wrappers = ["bellwether-cli"], reason = "the binary composes" },
  { crate = "bellwether-store", wrappers = [], reason = "nobody's" },
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
