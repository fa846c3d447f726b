// Holds the dependency graph to deny.toml: who may import whom, and from where.
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
  const found = rules(readFileSync(new URL("deny.toml", root), "utf8"));
  const options = { cwd: root, encoding: "utf8", maxBuffer: 256 << 20, stdio: ["ignore", "pipe", "inherit"] };
  let metadata;
  try {
    metadata = execFileSync("cargo", ["metadata", "--format-version", "1", "--locked"], options);
  } catch {
    process.exit(1); // cargo has said why
  }
  const lines = violations(JSON.parse(metadata), found);
  for (const line of lines) console.error(line);
  if (lines.length > 0) process.exit(1);
  console.log(`dependency rules: ${found.length} hold`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) main();
