// Counts the hand-written files that name one provider, one channel or one job kind: the files that a new one
// has to touch. Fails above the bounds; `node scripts/spread.mjs --list` prints the files.
// Code and settings count; comments, tests, fixtures, examples, docs, locks and what is generated do not.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { comments } from "./voice.mjs";

/**
 * For each subject: the most files of the program that may name one of its members, the most files of the
 * deployment (a manifest names each key that it mounts), and a pattern for each member.
 */
export const SUBJECTS = {
  provider: { most: 8, deployed: 4, members: { alpha_vantage: /alpha_?vantage/i, newsapi: /news_?api/i } },
  model: { most: 11, deployed: 5, members: { gemini: /gemini/i, openai: /openai/i } },
  channel: { most: 16, deployed: 3, members: { twilio: /twilio|\bsms\b/i, webhook: /webhook/i } },
  // an SMTP server is no HTTP route: its address is an option of the sandbox too
  server: { most: 24, deployed: 4, members: { smtp: /smtp|\bemail\b/i } },
  kind: {
    most: 5,
    deployed: 0,
    members: Object.fromEntries(
      ["analyze_article", "derive_signal", "evaluate_alerts", "scrape_news", "scrape_quotes", "send_notification"].map(
        (kind) => [kind, new RegExp(`\\b(${kind}|${kind.replace(/(?:^|_)(.)/g, (_, c) => c.toUpperCase())})\\b`)],
      ),
    ),
  },
};
const DEPLOYMENT = /^(k8s\/|scripts\/k8s)/;
const LEFT_OUT = [
  /(^|\/)(tests?|fixtures|examples|e2e|docs|bench|data|\.sqlx|\.github|load)\//,
  /(\.md|\.lock|[.-]lock\.\w+|\.test\.\w+|\.snap|\.svg|\.txt|\.csv)$/,
  /(^|\/)(openapi\.json|schema\.d\.ts|spread\.mjs)$/,
];

/** Returns true if a person writes the file and adds to it by hand. */
export function counts(name) {
  return !LEFT_OUT.some((pattern) => pattern.test(name));
}

/** The text without comments and, in Rust, without the unit tests at the end of the file. */
export function code(name, text) {
  const lines = (name.endsWith(".rs") ? text.replace(/^#\[cfg\(test\)\]\nmod \w+ \{[\s\S]*/m, "") : text).split("\n");
  if (/\.env(\.example)?$/.test(name)) return lines.join("\n");
  for (const { line, text: comment } of comments(name, text)) {
    if (line <= lines.length) lines[line - 1] = lines[line - 1].replace(comment, "");
  }
  return lines.join("\n").replace(/\bexample = "[^"]*"/g, "");
}

/** The files that are named after a member: its own modules. */
function own(member, names) {
  return new Set(names.filter((name) => name.endsWith(`/${member}.rs`)));
}

/** The folder of a module stands for all of its files: `x.rs` and `x/y.rs` are one. */
function unit(name, all) {
  for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) {
    if (all.has(`${name.slice(0, at)}.rs`)) return `${name.slice(0, at)}.rs`;
  }
  return name;
}

/** Returns true if a job kind's file names another kind that it leads to: that is the pipeline, not a list. */
function leads(subject, member, name, kinds) {
  if (subject !== "kind") return false;
  const own = /^jobs\/(\w+)(?:\.rs|\/)/.exec(name)?.[1];
  return own !== undefined && own !== member && kinds.has(own);
}

/** The files that name each member of each subject. */
export function spread(files, subjects = SUBJECTS) {
  const kinds = new Set(files.map(({ name }) => /^jobs\/(\w+)\.rs$/.exec(name)?.[1]).filter(Boolean));
  for (const other of ["lib", "schedules", "limits", "services"]) kinds.delete(other);
  const read = files.filter(({ name }) => counts(name)).map(({ name, text }) => ({ name, text: code(name, text) }));
  return Object.entries(subjects).flatMap(([subject, { most, deployed, members }]) =>
    Object.entries(members).map(([member, pattern]) => {
      const all = read.filter(({ name, text }) => pattern.test(`${name}\n${text}`)).map(({ name }) => name);
      const names = new Set(all.filter((name) => !leads(subject, member, name, kinds)).map((name) => unit(name, own(member, all))));
      return { subject, member, most, deployed, names: [...names] };
    }),
  );
}

function main() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const names = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
  const found = spread(
    names
      .filter((name) => counts(name) && existsSync(join(root, name)))
      .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") })),
  );
  let holds = true;
  for (const { subject, member, most, deployed, names } of found) {
    const manifests = names.filter((name) => DEPLOYMENT.test(name)).length;
    const program = names.length - manifests;
    const over = program > most || manifests > deployed;
    holds &&= !over;
    const figures = `${program} of ${most} files of the program, ${manifests} of ${deployed} of the deployment`;
    console.log(`spread: ${subject} ${member}: ${figures}${over ? "  too many" : ""}`);
    if (over || process.argv.includes("--list")) for (const name of names) console.log(`  ${name}`);
  }
  if (!holds) process.exitCode = 1;
}

if (process.argv[1] === new URL(import.meta.url).pathname) main();
