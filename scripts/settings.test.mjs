// The user's settings that build tools, tests and recipes see.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const example = readFileSync(join(root, ".env.example"), "utf8");
const names = [...example.matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name);

/** Runs a command in the repository with nothing in its environment but `env`. */
const run = (command, args, env = {}, cwd = root) =>
  execFileSync(command, args, { cwd, env: { PATH: process.env.PATH, ...env }, encoding: "utf8" });

test("a build sees none of the product's variables, nor those that name a file", () => {
  assert.ok(names.length > 60 && names.includes("GEMINI_API_KEY"), `${names.length}`);
  const secrets = Object.fromEntries(names.flatMap((n) => [[n, "hunter2"], [`${n}_FILE`, "/hunter2"]]));
  const left = run("sh", ["-c", ". scripts/no-settings.sh; env"], { ...secrets, KEPT: "yes" });
  const found = left.split("\n").filter((line) => line.includes("hunter2"));
  assert.deepEqual(found.filter((line) => !line.startsWith("BELLWETHER_PG_BIN")), []);
  assert.match(left, /^KEPT=yes$/m);
});

test("every script that builds unsets them first", () => {
  const builds = /^\s*(?!#).*\b(cargo (build|run|test|doc|nextest run)|npm (ci|run))\b/m;
  for (const name of ["browser-tests", "dev", "docs", "lanes", "openapi", "run", "tests", "web", "with-postgres"]) {
    const text = readFileSync(join(root, `scripts/${name}.sh`), "utf8");
    const [unset, build] = [text.indexOf(". scripts/no-settings.sh"), text.search(builds)];
    assert.ok(unset >= 0 && build >= 0, name);
  }
  const recipes = readFileSync(join(root, "justfile"), "utf8");
  assert.doesNotMatch(recipes, /dotenv-load/);
  for (const line of recipes.split("\n").filter((line) => /cargo (build|run)/.test(line))) {
    assert.match(line, /no-settings\.sh|with-postgres\.sh/, line);
  }
});

test("a recipe reads a variable of .env as it is written, and the environment before it", () => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-settings-"));
  try {
    mkdirSync(join(folder, "scripts"));
    cpSync(join(root, "scripts/dotenv.sh"), join(folder, "scripts/dotenv.sh"));
    writeFileSync(join(folder, ".env"), "A=one\nB=\"two words\"\nexport C='$HOME'\n#D=no\nA=last\n");
    const read = (name, env) => run("scripts/dotenv.sh", [name], env, folder).trimEnd();
    assert.deepEqual(["A", "B", "C", "D"].map((n) => read(n)), ["last", "two words", "$HOME", ""]);
    assert.equal(read("A", { A: "mine" }), "mine");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
