// No secret is in what git holds, and the file that holds some is none of git's.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { K8S } from "./tree.mjs";

const home = join(K8S, "..");
const inGit = existsSync(join(home, ".git"));
const skip = inGit ? false : "this is no checkout of git";
const git = (...args) => execFileSync("git", ["-c", "safe.directory=*", ...args], { cwd: home, encoding: "utf8" });

const SHAPES = [
  ["a key of Google", /\bAIza[0-9A-Za-z_-]{35}\b/],
  ["a key of OpenAI", /\bsk-(?:proj-)?[A-Za-z0-9]{32,}\b/],
  ["a key of AWS", /\bAKIA[0-9A-Z]{16}\b/],
  ["a token of GitHub", /\bgh[pousr]_[A-Za-z0-9]{36}\b/],
  ["a token of Slack", /\bxox[abp]-[0-9A-Za-z-]{20,}/],
  ["a private key", /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}/],
];

test("no file looks as if it held a secret", { skip }, () => {
  const found = [];
  for (const file of git("ls-files", "-co", "--exclude-standard", "-z").split("\0").filter(Boolean)) {
    const path = join(home, file);
    if (!existsSync(path) || statSync(path).size > 2 << 20) continue;
    const text = readFileSync(path, "latin1");
    for (const [what, shape] of SHAPES) if (shape.test(text)) found.push(`${file}: ${what}`);
  }
  assert.deepEqual(found, []);
});

test("git ignores the files of secrets, and knows their examples", { skip }, () => {
  for (const file of readdirSync(join(K8S, "overlays/local/secrets.example"))) {
    const path = `k8s/overlays/local/secrets/${file}`;
    assert.equal(git("check-ignore", path).trim(), path);
    assert.equal(git("ls-files", path).trim(), "");
  }
});
