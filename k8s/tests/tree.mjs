// The manifests as files: a copy to render from, what kubectl makes of it, and which files it read.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

export const K8S = resolve(dirname(fileURLToPath(import.meta.url)), "..");
export const OVERLAYS = ["local", "production"];
/** The kubectl that renders, by its full path: a test may put another before it. */
export const KUBECTL = process.env.K8S_KUBECTL || execFileSync("sh", ["-c", "command -v kubectl"], { encoding: "utf8" }).trim();

const scratch = [];
process.on("exit", () => {
  for (const folder of scratch) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes with the process. */
export function folder(name) {
  const made = mkdtempSync(join(tmpdir(), `bellwether-${name}-`));
  scratch.push(made);
  return made;
}

/** A copy of k8s/ that may be changed, with the examples of secrets in the place of secrets. */
export function stage() {
  const root = folder("k8s");
  cpSync(K8S, root, {
    recursive: true,
    filter: (path) => !/(^|\/)(node_modules|secrets)$/.test(path) && relative(K8S, path) !== "tests",
  });
  for (const overlay of OVERLAYS.map((one) => join(root, "overlays", one))) {
    const example = join(overlay, "secrets.example");
    if (!existsSync(example)) continue;
    cpSync(example, join(overlay, "secrets"), { recursive: true });
    // the API refuses the example's own tokens
    const api = join(overlay, "secrets", "api.env");
    writeFileSync(api, readFileSync(api, "utf8").replaceAll("change-me", "a-long-text-of-the-tests"));
  }
  return root;
}

/** Every file below a folder, relative to it, in order. */
export function files(root, at = "") {
  return readdirSync(join(root, at), { withFileTypes: true })
    .flatMap((one) => (one.isDirectory() ? files(root, join(at, one.name)) : [join(at, one.name)]))
    .sort();
}

/** What kubectl makes of an overlay, as text. */
export function rendered(root, overlay) {
  return execFileSync(KUBECTL, ["kustomize", join(root, "overlays", overlay)], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The objects of a rendered text. A key that stands twice is an error. */
export function objects(text) {
  return parseAllDocuments(text, { uniqueKeys: true })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    })
    .filter((one) => one !== null);
}

/** Every file that an overlay reads, relative to the root. A path that is missing is an error. */
export function reached(root, folder, seen = new Set()) {
  const file = ["kustomization.yaml", "kustomization.yml", "Kustomization"]
    .map((name) => join(root, folder, name))
    .find(existsSync);
  if (!file) throw new Error(`${folder} has no kustomization.yaml`);
  seen.add(relative(root, file));
  const it = parse(readFileSync(file, "utf8")) ?? {};
  const add = (path) => {
    const at = join(folder, path);
    if (/^https?:/.test(path)) throw new Error(`${folder} reads ${path} from the network`);
    if (!existsSync(join(root, at))) throw new Error(`${folder} names ${path}, which is missing`);
    if (statSync(join(root, at)).isDirectory()) reached(root, at, seen);
    else seen.add(at);
  };
  const source = (text) => text.split("=").at(-1);
  for (const key of ["resources", "bases", "components", "configurations", "crds", "generators", "transformers", "validators"]) {
    for (const path of it[key] ?? []) if (!String(path).includes("\n")) add(path);
  }
  for (const one of [...(it.patches ?? []), ...(it.replacements ?? [])]) if (one.path) add(one.path);
  for (const path of it.patchesStrategicMerge ?? []) if (!path.includes("\n")) add(path);
  for (const path of [it.openapi?.path].filter(Boolean)) add(path);
  for (const one of [...(it.configMapGenerator ?? []), ...(it.secretGenerator ?? [])]) {
    for (const path of one.files ?? []) add(source(path));
    for (const path of [...(one.envs ?? []), ...(one.env ? [one.env] : [])]) add(path);
  }
  return seen;
}
