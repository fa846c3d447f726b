// Holds the dependency graph to deny.toml: who may import whom, from where, and under which licences.
// It reads what cargo resolved, so a rule is broken only by a dependency that is really built in.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const REGISTRY = "registry+https://github.com/rust-lang/crates.io-index";
const RULE = /^\s*\{\s*crate\s*=\s*"([^"]+)",\s*wrappers\s*=\s*\[([^\]]*)\],\s*reason\s*=\s*"([^"]+)"\s*\},?\s*$/;

/** The rules of deny.toml, one a line. A line that looks like a rule and is none is an error. */
export function rules(text) {
  const found = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (!line.trimStart().startsWith("{")) continue;
    const match = RULE.exec(line);
    if (!match) throw new Error(`deny.toml:${index + 1}: not of the form { crate, wrappers, reason }`);
    const wrappers = [...match[2].matchAll(/"([^"]+)"/g)].map((wrapper) => wrapper[1]);
    found.push({ crate: match[1], wrappers, reason: match[3] });
  }
  if (found.length === 0) throw new Error("deny.toml holds no rules");
  return found;
}

/** The licences that deny.toml allows. */
export function allowed(text) {
  const [, list] = /^\[licenses\]\n(?:(?!\[).*\n)*?allow = \[([^\]]*)\]/m.exec(text) ?? [];
  if (list === undefined) throw new Error("deny.toml allows no licence");
  return new Set([...list.matchAll(/"([^"]+)"/g)].map(([, one]) => one));
}

/** Whether an SPDX expression is met by licences that are allowed; a slash is an older way to write OR. */
export function permits(expression, licences) {
  const words = expression.replace(/\s*\/\s*/g, " OR ").replace(/([()])/g, " $1 ").trim().split(/\s+/);
  const one = () => {
    if (words[0] === "(") {
      words.shift();
      const inner = any();
      words.shift();
      return inner;
    }
    const name = [words.shift()];
    if (words[0] === "WITH") name.push(words.shift(), words.shift());
    return licences.has(name.join(" "));
  };
  const list = (word, part, join) => {
    let met = part();
    while (words[0] === word) {
      words.shift();
      met = join(met, part());
    }
    return met;
  };
  const every = () => list("AND", one, (a, b) => a && b);
  const any = () => list("OR", every, (a, b) => a || b);
  return any();
}

/** One line for each crate whose licence is not allowed. */
export function unlicensed(metadata, licences) {
  return metadata.packages
    .filter((one) => !one.license || !permits(one.license, licences))
    .map((one) => `${one.name} ${one.version} is under ${one.license ?? "no licence that it names"}: deny.toml does not allow it`)
    .sort();
}

/** One line for each dependency that breaks a rule. Dependencies of tests alone are free. */
export function violations(metadata, found) {
  const packages = new Map(metadata.packages.map((one) => [one.id, one]));
  const rule = new Map(found.map((one) => [one.crate, one]));
  const ours = metadata.packages.filter((one) => metadata.workspace_members.includes(one.id));
  const lines = [];
  for (const node of metadata.resolve.nodes) {
    const user = packages.get(node.id).name;
    for (const dependency of node.deps) {
      if (dependency.dep_kinds.every((kind) => kind.kind === "dev")) continue;
      const used = rule.get(packages.get(dependency.pkg).name);
      if (used && !used.wrappers.includes(user)) {
        lines.push(`${user} may not depend on ${used.crate}: ${used.reason}`);
      }
    }
  }
  for (const one of ours) {
    const leaf = one.name === "bellwether-cli";
    if (!leaf && !rule.has(one.name)) lines.push(`deny.toml does not say who may depend on ${one.name}`);
  }
  for (const one of metadata.packages) {
    if (one.source !== null && one.source !== REGISTRY) lines.push(`${one.name} comes from ${one.source}`);
  }
  return lines.sort();
}

function main() {
  const root = new URL("..", import.meta.url);
  const text = readFileSync(new URL("deny.toml", root), "utf8");
  const found = rules(text);
  const options = { cwd: root, encoding: "utf8", maxBuffer: 256 << 20, stdio: ["ignore", "pipe", "inherit"] };
  let metadata;
  try {
    metadata = execFileSync("cargo", ["metadata", "--format-version", "1", "--locked"], options);
  } catch {
    process.exit(1); // cargo has said why
  }
  const graph = JSON.parse(metadata);
  const lines = [...violations(graph, found), ...unlicensed(graph, allowed(text))];
  for (const line of lines) console.error(line);
  if (lines.length > 0) process.exit(1);
  console.log(`dependency rules: ${found.length} hold`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) main();
