// The order of `just deploy`, by a kubectl that only writes down what it is asked.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { folder, K8S, KUBECTL, objects, rendered, stage } from "./tree.mjs";

const TOKENS = "operator:0123456789abcdef";
const which = (tool) => execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
const BASH = which("bash");
const example = /sha256:0{64}/g;

/** A checkout with everything that `deploy.sh` reads, a shim before everything else, and no cluster. */
function checkout({ secrets = "POSTGRES_PASSWORD=rehearsal1\nBELLWETHER_API_TOKENS=" + TOKENS + "\n" } = {}) {
  const root = folder("deploy");
  cpSync(stage(), join(root, "k8s"), { recursive: true });
  mkdirSync(join(root, "scripts"));
  for (const file of readdirSync(join(K8S, "../scripts")).filter((name) => /^(deploy|k8s-lib|k8s-unwell)\.sh$/.test(name))) {
    copyFileSync(join(K8S, "../scripts", file), join(root, "scripts", file));
  }
  const env = join(root, "k8s/overlays/local/secrets.env");
  rmSync(env, { force: true });
  if (secrets !== null) writeFileSync(env, secrets);
  mkdirSync(join(root, "bin"));
  mkdirSync(join(root, "shim"));
  copyFileSync(join(K8S, "tests/shim/kubectl.mjs"), join(root, "shim/kubectl.mjs"));
  symlinkSync(join(K8S, "tests/node_modules"), join(root, "shim/node_modules"));
  writeFileSync(join(root, "bin/kubectl"), `#!/bin/sh\nexec "${process.execPath}" "${root}/shim/kubectl.mjs" "$@"\n`);
  chmodSync(join(root, "bin/kubectl"), 0o755);
  return root;
}

/** Runs `deploy.sh` there; gives back its code, its words, and what kubectl was asked. */
async function deploy(root, args, env = {}) {
  rmSync(join(root, "shim/log"), { force: true });
  const run = await new Promise((resolve) => {
    const options = { env: {
      ...process.env,
      PATH: `${join(root, "bin")}:${process.env.PATH}`,
      SHIM_FOLDER: join(root, "shim"),
      SHIM_KUBECTL: KUBECTL,
      BELLWETHER_DEPLOY_TIMEOUT: "30",
      ...env,
    } };
    execFile(BASH, [join(root, "scripts/deploy.sh"), ...args], options, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
  const log = join(root, "shim/log");
  const asked = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return { code: run.status, says: `${run.stdout}${run.stderr}`, asked, steps: asked.filter((line) => !line.startsWith("changed ")) };
}
const local = (root, env) => deploy(root, ["local", "--no-build"], env);
const at = (steps, pattern) => {
  const found = steps.findIndex((step) => pattern.test(step));
  assert.ok(found >= 0, `nobody asked for ${pattern}:\n${steps.join("\n")}`);
  return found;
};
const rising = (steps, patterns) => {
  const places = patterns.map((pattern) => at(steps, pattern));
  assert.deepEqual(places, [...places].sort((a, b) => a - b), steps.join("\n"));
};
const applied = (steps) => steps.filter((step) => step.startsWith("apply ")).flatMap((step) => step.slice(6).split(" "));
const deployments = (overlay) => objects(rendered(stage(), overlay)).filter((one) => one.kind === "Deployment").map((one) => one.metadata.name);

describe("just deploy", { concurrency: 4 }, () => {
  test("what a pod needs comes before the pod, and each step is waited for", async () => {
    const { code, says, steps } = await local(checkout());
    assert.equal(code, 0, says);
    rising(steps, [
      /^apply .*Namespace\/bellwether/,
      /^apply .*ConfigMap\/bellwether-/,
      /^apply .*StatefulSet\/postgres/,
      /^rollout status statefulset\/postgres/,
      /^delete job migrate .*--wait/,
      /^apply Job\/migrate$/,
      /^wait --for=condition=complete job\/migrate/,
      /^apply .*Deployment\/api/,
      /^rollout status deployment\/api/,
    ]);
    assert.ok(at(steps, /^apply .*Service\/postgres-service/) <= at(steps, /^apply .*StatefulSet\/postgres/));
    assert.ok(at(steps, /^apply .*Service\/api-service/) <= at(steps, /^apply .*Deployment\/frontend/));
    for (const name of deployments("local")) at(steps, new RegExp(`^rollout status deployment/${name}`));
  });

  test("everything that is rendered is applied, once", async () => {
    const root = checkout();
    const { steps } = await local(root);
    const wanted = objects(rendered(join(root, "k8s"), "local")).map((one) => `${one.kind}/${one.metadata.name}`);
    assert.deepEqual(applied(steps).sort(), wanted.sort());
  });

  test("a failed migration stops it before anything that would run on its schema", async () => {
    const { code, says, steps } = await local(checkout(), { SHIM_FAIL: "job/migrate" });
    assert.notEqual(code, 0);
    assert.match(says, /migration failed/);
    assert.ok(!applied(steps).some((one) => /^(Deployment|CronJob|HorizontalPodAutoscaler)\//.test(one)), steps.join("\n"));
  });

  for (const [what, fail, never] of [
    ["a refused namespace", "Namespace/bellwether", /^apply .*ServiceAccount/],
    ["refused accounts", "ServiceAccount/api", /StatefulSet/],
    ["a database that does not get ready", "rollout status statefulset/postgres", /migrate/],
    ["a last migration that does not go", "delete job migrate", /^apply Job/],
    ["a refused migration", "Job/migrate", /^wait/],
    ["a refused Deployment", "Deployment/api", /^rollout status deployment/],
    ["a rollout that hangs", "rollout status deployment/analyzer", /^rollout status deployment\/scraper/],
  ]) {
    test(`it stops at ${what}, and says so in its last line`, async () => {
      const { code, says, steps } = await local(checkout(), { SHIM_FAIL: fail });
      assert.notEqual(code, 0, says);
      assert.match(says.trim().split("\n").at(-1), /^deploy: .+/);
      // What does not become ready is told with what the cluster says of it.
      if (fail.startsWith("rollout")) assert.match(says, /analyzer-1 finds no node: 0\/1 nodes are available/);
      const failed = at(steps, new RegExp(fail.replace("Namespace", "apply .*Namespace").replace("ServiceAccount", "apply .*ServiceAccount")));
      assert.ok(!steps.slice(failed + 1).some((step) => never.test(step)), steps.join("\n"));
    });
  }

  test("a warning that pods will be refused is an error", async () => {
    const { code, says, steps } = await local(checkout(), { SHIM_WARN: "Deployment/api" });
    assert.notEqual(code, 0);
    assert.match(says, /refuses these pods/);
    assert.ok(!steps.some((step) => step.startsWith("rollout status deployment")));
  });

  test("a second run changes nothing but the migration's Job", async () => {
    const root = checkout();
    assert.equal((await local(root)).code, 0);
    const { code, asked } = await local(root);
    assert.equal(code, 0);
    assert.deepEqual(asked.filter((line) => line.startsWith("changed ")), ["changed Job/migrate"]);
  });

  test("without secrets.env nothing is touched, and the line says what to do", async () => {
    const { code, says, asked } = await local(checkout({ secrets: null }));
    assert.notEqual(code, 0);
    assert.match(says, /secrets\.env is missing: copy .*secrets\.env\.example/);
    assert.deepEqual(asked, []);
  });

  for (const [what, env, wanted] of [
    ["without a context", { SHIM_CONTEXT: "" }, /no current context: start a cluster/],
    ["without an answer of the cluster", { SHIM_VERSION: "away" }, /the cluster of kind-bellwether does not answer: .*refused/],
    ["in a cluster that is too old", { SHIM_VERSION: "29+" }, /is Kubernetes 1\.29: 1\.30 or newer is needed/],
  ]) {
    test(`${what} nothing is built or touched, and the line says what to do`, async () => {
      // No --no-build: there is no script that builds here, so building would be a failure of its own.
      const { code, says, asked } = await deploy(checkout(), ["local"], env);
      assert.equal(code, 1);
      assert.match(says.trim(), wanted);
      assert.equal(says.trim().split("\n").length, 1, says);
      assert.deepEqual(asked, []);
    });
  }

  test("without kubectl the line says where it comes from", async () => {
    const root = checkout();
    const bin = join(root, "only");
    mkdirSync(bin);
    for (const tool of ["bash", "dirname", "basename"]) symlinkSync(which(tool), join(bin, tool));
    const { code, says } = await deploy(root, ["local"], { PATH: bin });
    assert.equal(code, 1);
    assert.match(says.trim(), /^deploy: kubectl is missing: install it from https:.*$/);
  });

  test("the example's secrets are refused", async () => {
    const secrets = readFileSync(join(K8S, "overlays/local/secrets.env.example"), "utf8");
    const { code, says, asked } = await local(checkout({ secrets }));
    assert.notEqual(code, 0);
    assert.match(says, /change-me/);
    assert.deepEqual(asked, []);
  });

  test("what the workflow writes for secrets is what a deployment takes", async () => {
    const workflow = parse(readFileSync(join(K8S, "../.github/workflows/kind.yml"), "utf8"));
    const [line] = workflow.jobs.e2e.steps.flatMap((step) => (step.run ?? "").split("\n")).filter((text) => text.includes("secrets.env.example"));
    const root = checkout({ secrets: null });
    execFileSync("sh", ["-c", line.replace("$(openssl rand -hex 16)", "0123456789abcdef")], { cwd: root });
    const { code, says } = await local(root);
    assert.equal(code, 0, says);
  });

  test("the overlay local goes to no cluster but this machine's", async () => {
    const { code, says, asked } = await local(checkout(), { SHIM_CONTEXT: "gke_prod_europe" });
    assert.notEqual(code, 0);
    assert.match(says, /gke_prod_europe is no cluster of this machine/);
    assert.deepEqual(asked, []);
  });

  test("production refuses the examples of the overlay", async () => {
    const { code, says, asked } = await deploy(checkout(), ["production"]);
    assert.notEqual(code, 0);
    assert.match(says, /digests/);
    assert.deepEqual(asked, []);
  });

  test("production waits for its secrets, its cluster and its pooler before the migration", async () => {
    const root = checkout();
    const file = join(root, "k8s/overlays/production/kustomization.yaml");
    const text = readFileSync(file, "utf8").replace(example, `sha256:${"ab".repeat(32)}`).replaceAll("bellwether.example.com", "bellwether.test");
    writeFileSync(file, text);
    const { code, says, steps } = await deploy(root, ["production"], { SHIM_CONTEXT: "prod" });
    assert.equal(code, 0, says);
    rising(steps, [
      /^apply .*ExternalSecret\/bellwether/,
      /^wait --for=condition=Ready externalsecret\/bellwether/,
      /^apply .*Cluster\/postgres/,
      /^wait --for=condition=Ready clusters\.postgresql\.cnpg\.io\/postgres/,
      /^rollout status deployment\/postgres-pooler/,
      /^apply Job\/migrate$/,
      /^wait --for=condition=complete job\/migrate/,
      /^apply .*Deployment\/api/,
    ]);
    // The webhook of KEDA reads the Deployment that it is to scale.
    const apps = steps.find((step) => /^apply .*ScaledObject/.test(step));
    assert.ok(at(steps, /^apply .*Deployment\/analyzer/) < steps.indexOf(apps) || apps.indexOf("Deployment/analyzer") < apps.indexOf("ScaledObject/analyzer"), apps);
  });
});
