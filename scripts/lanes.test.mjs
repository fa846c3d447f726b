// The lanes of `just test`: their order, their summary, and the way a failure ends them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const SCRIPTS = ["web", "with-postgres", "lint", "docs", "openapi", "k8s-check", "tests", "plan-guard", "fuzz-api",
  "rehearse-quota", "k8s-rehearse", "browser-tests"];

/** Runs lanes.sh beside scripts and tools that print their name and BUILT; `broken` is a script that fails. */
const run = (args, broken) => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-lanes-"));
  try {
    mkdirSync(join(folder, "scripts"));
    mkdirSync(join(folder, "bin"));
    cpSync(join(root, "scripts/lanes.sh"), join(folder, "scripts/lanes.sh"));
    writeFileSync(join(folder, "scripts/no-settings.sh"), "");
    const stand = (path, name) => {
      const code = name === broken ? "exit 3" : "";
      writeFileSync(join(folder, path), `#!/bin/sh\necho "ran ${name} $* built=\${BUILT:-}"\n${code}\n`);
      chmodSync(join(folder, path), 0o755);
    };
    for (const name of SCRIPTS) stand(`scripts/${name}.sh`, name);
    for (const name of ["cargo", "node"]) stand(`bin/${name}`, name);
    const env = { PATH: `${folder}/bin:${process.env.PATH}` };
    const done = spawnSync("sh", ["scripts/lanes.sh", ...args], { cwd: folder, env, encoding: "utf8" });
    const lines = done.stdout.split("\n");
    return {
      code: done.status,
      ran: lines.filter((line) => line.startsWith("ran ")).map((line) => line.slice(4)),
      results: lines.map((line) => /^(\S+) +(ok|failed|not run)( +\d+m \d\ds)?$/.exec(line.trim()))
        .filter(Boolean).map(([, name, result]) => `${name} ${result}`),
      said: done.stdout + done.stderr,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test("all lanes run in order after one build, and each has a line at the end", () => {
  const { code, ran, results } = run([]);
  assert.equal(code, 0);
  assert.deepEqual(results, ["format", "rules", "build", "lint", "docs", "openapi", "manifests", "web", "tests",
    "plans", "fuzz", "quota", "rehearsal", "browser", "total"].map((name) => `${name} ok`));
  const built = ran.findIndex((line) => line.startsWith("cargo build --locked --workspace --all-targets"));
  assert.ok(built > 0);
  assert.deepEqual(ran.slice(built + 1), ["with-postgres scripts/lint.sh", "docs ", "openapi check", "k8s-check ",
    "web test", "with-postgres scripts/tests.sh", "plan-guard ", "fuzz-api --short",
    "with-postgres scripts/rehearse-quota.sh 30", "k8s-rehearse --short", "browser-tests "]
    .map((line) => `${line} built=1`));
});

test("a lane that fails ends the run with its code, and the summary says so", () => {
  const { code, results } = run([], "openapi");
  assert.equal(code, 3);
  assert.deepEqual(results.slice(4, 7), ["docs ok", "openapi failed", "manifests not run"]);
  assert.equal(results.at(-1), "total failed");
  const { code: node, results: first } = run(["rules"], "node");
  assert.equal(node, 3);
  assert.deepEqual(first, ["rules failed", "total failed"]);
});

test("one lane builds first if it needs the build, and an unknown lane is wrong usage", () => {
  assert.deepEqual(run(["fuzz", "quota"]).results, ["build ok", "fuzz ok", "quota ok", "total ok"]);
  assert.deepEqual(run(["format"]).results, ["format ok", "total ok"]);
  const unknown = run(["fuz"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.said, /there is no lane fuz; known are format rules/);
});

test("the workflow and .ci/run use the lanes through `just test`", () => {
  assert.match(readFileSync(join(root, ".ci/run"), "utf8"), /exec \.\/justw test$/m);
  assert.match(readFileSync(join(root, "justfile"), "utf8"), /^test:\n {4}@scripts\/lanes\.sh$/m);
});
