// Measures the wording of comments and docs: unnamed actors, and doc comments that open with a question word.
// Prints one line for each area and fails above the limits; `node scripts/voice.mjs --list` prints each place.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Unnamed actors allowed in 10,000 words, and openers allowed in 100 Rust doc comments. */
const LIMITS = { actors: 2, openers: 5 };

const ACTOR = /\b(whoever|whomever|nobody|somebody|anybody|no one|someone|anyone|everyone|everybody)\b/gi;
const OPENER = /^(what|how|who|whom|whose|where|whether)\b/i;
const WORD = /[a-z][a-z'’]*/gi;
const GENERATED = /(^|\/)(schema\.d\.ts|LICENSE-\w+|requirements-\w+\.txt)$/;
/** For each language, the tokens that matter: a string hides what looks like a comment in it. */
const LANGUAGES = {
  rs: /r(#*)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|'(?:\\.|[^'\\])'|\/\/.*|\/\*[\s\S]*?\*\//g,
  sql: /'(?:''|[^'])*'|--.*|\/\*[\s\S]*?\*\//g,
  js: /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<![\\:])\/\/.*|\/\*[\s\S]*?\*\//g,
  css: /"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\//g,
  hash: /(?<=^|\s)#(?!!).*/gm,
};
const BY_NAME = { rs: "rs", sql: "sql", ts: "js", tsx: "js", js: "js", mjs: "js", css: "css", md: "md" };
for (const name of ["sh", "yaml", "yml", "toml", "conf", "env", "example", "justfile", "justw", "Dockerfile"]) BY_NAME[name] = "hash";

/** The comments of a file, or the prose of a Markdown file, each with its line and its text. */
export function comments(name, text) {
  const language = BY_NAME[name.split(/[./]/).pop()];
  if (language === undefined) return [];
  if (language === "md") {
    const prose = text.replace(/^( *)(```|~~~)[\s\S]*?^ *\2/gm, (block) => block.replace(/[^\n]/g, ""));
    return prose.split("\n").map((line, index) => ({ line: index + 1, text: line }));
  }
  const found = [];
  let [line, from] = [1, 0];
  for (const { 0: token, index } of text.matchAll(LANGUAGES[language])) {
    line += text.slice(from, index).split("\n").length - 1;
    from = index;
    if (!/^(\/\/|--|#|\/\*)/.test(token)) continue;
    for (const [offset, part] of token.split("\n").entries()) found.push({ line: line + offset, text: part });
  }
  return found;
}

/** Counts of one file, with the places of what is counted. */
export function measure(name, text) {
  const counts = { words: 0, actors: [], docs: 0, openers: [] };
  let before = { line: -1, mark: "" };
  for (const { line, text: raw } of comments(name, text)) {
    const [, mark] = /^(\/\/[\/!])/.exec(raw) ?? [, ""];
    const prose = raw.replace(/^(\/\/[\/!]?|--|#|\/?\*+)/, "").replace(/`[^`]*`|https?:\S+/g, " x ").trim();
    counts.words += prose.match(WORD)?.length ?? 0;
    for (const [actor] of prose.matchAll(ACTOR)) counts.actors.push(`${name}:${line}: ${actor}: ${prose}`);
    const opens = name.endsWith(".rs") && mark !== "" && !(before.mark === mark && before.line === line - 1);
    if (opens) counts.docs += 1;
    if (opens && OPENER.test(prose)) counts.openers.push(`${name}:${line}: ${prose}`);
    before = { line, mark };
  }
  return counts;
}

/** The area that a file belongs to: a crate, or a folder of the top level; single files count as docs. */
export function area(name) {
  const [first, second, ...rest] = name.split("/");
  if (first === "crates" && rest.length > 0) return second;
  if (second === undefined && /\.md$/.test(first)) return "docs";
  return second === undefined || first.startsWith(".") ? "scripts" : first;
}

/** Adds the counts of all files by area. */
export function totals(files) {
  const areas = new Map();
  for (const { name, text } of files) {
    if (GENERATED.test(name)) continue;
    const sum = areas.get(area(name)) ?? { words: 0, actors: [], docs: 0, openers: [] };
    const one = measure(name, text);
    sum.words += one.words;
    sum.docs += one.docs;
    sum.actors.push(...one.actors);
    sum.openers.push(...one.openers);
    areas.set(area(name), sum);
  }
  return [...areas].filter(([, sum]) => sum.words > 0).sort(([a], [b]) => a.localeCompare(b));
}

/** The shares of an area, and whether they are within its limits. */
export function judge(sum) {
  const actors = (sum.actors.length * 10_000) / sum.words;
  const openers = sum.docs === 0 ? 0 : (sum.openers.length * 100) / sum.docs;
  return { actors, openers, holds: actors <= LIMITS.actors && openers <= LIMITS.openers };
}

function main() {
  const root = join(import.meta.dirname, "..");
  const names = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  const files = names
    .filter((name) => BY_NAME[name.split(/[./]/).pop()] !== undefined && existsSync(join(root, name)))
    .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));
  const list = process.argv.includes("--list");
  let failed = false;
  for (const [name, sum] of totals(files)) {
    const { actors, openers, holds } = judge(sum);
    const figures = `${String(sum.words).padStart(7)} words ${actors.toFixed(1).padStart(5)} per 10,000 ${openers.toFixed(1).padStart(5)} %`;
    console.log(`voice: ${name.padEnd(11)}${figures}${holds ? "" : "  too many"}`);
    if (list || !holds) for (const place of [...sum.actors, ...sum.openers]) console.log(`  ${place}`);
    failed ||= !holds;
  }
  if (failed) console.error("Name the actor (the caller, the operator, another process), and begin a doc comment with a verb or a noun: CONTRIBUTING.md, Voice.");
  process.exit(failed ? 1 : 0);
}

if (process.argv[1] === new URL(import.meta.url).pathname) main();
