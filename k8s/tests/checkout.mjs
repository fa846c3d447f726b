// A checkout in which the cluster scripts run with a kubectl that only records its arguments.
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { folder, K8S, KUBECTL, stage } from "./tree.mjs";

export const which = (tool) => execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
const BASH = which("bash");

/** Writes one setting into the files of secrets of a checkout; without a value the line goes. */
export function secrets(root, name, value) {
  const folder = join(root, "k8s/overlays/local/secrets");
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const lines = readFileSync(path, "utf8").split("\n");
    const at = lines.findIndex((line) => line.replace(/^#/, "").startsWith(`${name}=`));
    if (at < 0) continue;
    lines.splice(at, 1, ...(value === undefined ? [] : [`${name}=${value}`]));
    writeFileSync(path, lines.join("\n"));
    return;
  }
  throw new Error(`no file of secrets speaks of ${name}`);
}

/** Everything that the scripts read, a shim before every other kubectl, and no cluster. */
export function checkout() {
  const root = folder("deploy");
  cpSync(stage(), join(root, "k8s"), { recursive: true });
  mkdirSync(join(root, "scripts"));
  for (const file of readdirSync(join(K8S, "../scripts")).filter((name) => /^(deploy|undeploy|load-test|k8s-lib|k8s-unwell)\.sh$/.test(name))) {
    copyFileSync(join(K8S, "../scripts", file), join(root, "scripts", file));
  }
  secrets(root, "POSTGRES_PASSWORD", "rehearsal1");
  secrets(root, "BELLWETHER_API_TOKENS", "operator:0123456789abcdef");
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "shim"));
  copyFileSync(join(K8S, "tests/shim/kubectl.mjs"), join(root, "shim/kubectl.mjs"));
  symlinkSync(join(K8S, "tests/node_modules"), join(root, "shim/node_modules"));
  writeFileSync(join(root, "bin/kubectl"), `#!/bin/sh\nexec "${process.execPath}" "${root}/shim/kubectl.mjs" "$@"\n`);
  chmodSync(join(root, "bin/kubectl"), 0o755);
  return root;
}

/** Runs a script there; gives back its code, its output, and what kubectl was asked. */
export async function run(root, script, args, env = {}) {
  const log = join(root, "shim/log");
  rmSync(log, { force: true });
  const ended = await new Promise((resolve) => {
    const options = { env: {
      ...process.env,
      PATH: `${join(root, "bin")}:${dirname(process.execPath)}:${process.env.PATH}`,
      SHIM_FOLDER: join(root, "shim"),
      SHIM_KUBECTL: KUBECTL,
      BELLWETHER_DEPLOY_TIMEOUT: "30",
      ...env,
    } };
    execFile(BASH, [join(root, `scripts/${script}.sh`), ...args], options, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
  const asked = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { code: ended.status, says: `${ended.stdout}${ended.stderr}`, asked, steps: asked.filter((line) => !line.startsWith("changed ")) };
}
