// The order of `just deploy`, with a kubectl that only records its arguments.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { checkout, run, secrets, which } from "./checkout.mjs";
import { K8S, objects, rendered, stage } from "./tree.mjs";

const example = /sha256:0{64}/g;

const deploy = (root, args, env) => run(root, "deploy", args, env);
const local = (root, env) => deploy(root, ["local", "--no-build"], env);
const undeploy = (root, env) => run(root, "undeploy", ["local"], env);
const at = (steps, pattern) => {
  const found = steps.findIndex((step) => pattern.test(step));
  assert.ok(found >= 0, `no step matches ${pattern}:\n${steps.join("\n")}`);
  return found;
};
const rising = (steps, patterns) => {
  const places = patterns.map((pattern) => at(steps, pattern));
  assert.deepEqual(places, [...places].sort((a, b) => a - b), steps.join("\n"));
};
const applied = (steps) => steps.filter((step) => step.startsWith("apply ")).flatMap((step) => step.split(" ").filter((word) => word.includes("/")));
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
      // A workload that does not become ready is reported with the cluster's events.
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

  test("another token restarts the API alone, and the old one leaves the cluster", async () => {
    const root = checkout();
    assert.equal((await local(root)).code, 0);
    secrets(root, "BELLWETHER_API_TOKENS", "operator:another-token-of-this-test");
    const { code, says, asked, steps } = await local(root);
    assert.equal(code, 0, says);
    const changed = asked.filter((line) => line.startsWith("changed ")).map((line) => line.slice(8).replace(/-[2456789bcdfghkmt]{10}$/, ""));
    assert.deepEqual(changed.sort(), ["Deployment/api", "Job/migrate", "Secret/bellwether-api"]);
    const removed = steps.filter((step) => step.startsWith("delete Secret/") || step.startsWith("delete ConfigMap/"));
    assert.equal(removed.length, 1, steps.join("\n"));
    assert.match(removed[0], /^delete Secret\/bellwether-api-[2456789bcdfghkmt]{10} /);
    assert.ok(steps.indexOf(removed[0]) > steps.findLastIndex((step) => step.startsWith("rollout status")), "after every rollout");
  });

  test("what a Job under way still names stays until the next deployment", async () => {
    const root = checkout();
    assert.equal((await local(root)).code, 0);
    const [secret] = objects(rendered(join(root, "k8s"), "local")).filter((one) => /^bellwether-database-/.test(one.metadata.name) && one.kind === "Secret");
    secrets(root, "POSTGRES_PASSWORD", "another1");
    const { code, says, steps } = await local(root, { SHIM_ACTIVE: secret.metadata.name });
    assert.equal(code, 0, says);
    assert.ok(!steps.some((step) => step.startsWith("delete Secret/")), steps.join("\n"));
  });

  test("no value of a Secret goes into an annotation", async () => {
    const { steps } = await local(checkout());
    for (const step of steps.filter((one) => /^apply .*Secret\//.test(one))) assert.match(step, /^apply --server-side (Secret\/\S+ ?)+$/);
  });

  test("a migration that fails and is tried again is told with its log", async () => {
    const { code, says } = await local(checkout(), { SHIM_MIGRATION: "fails again and again", BELLWETHER_DEPLOY_TIMEOUT: "1" });
    assert.equal(code, 1);
    assert.match(says, /^\s*the Job migrate has failed 2 times and is tried again \(kubectl -n bellwether logs job\/migrate/m);
    assert.match(says, /permission denied for schema public/);
    assert.match(says.trim().split("\n").at(-1), /^deploy: the migration did not end within 1 s/);
  });

  test("without secrets nothing is touched, and the line says what to do", async () => {
    const root = checkout();
    rmSync(join(root, "k8s/overlays/local/secrets/models.env"));
    const { code, says, asked } = await local(root);
    assert.notEqual(code, 0);
    assert.match(says, /secrets\/models\.env is missing: copy .*secrets\.example\/models\.env/);
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
    const root = checkout();
    cpSync(join(K8S, "overlays/local/secrets.example"), join(root, "k8s/overlays/local/secrets"), { recursive: true });
    const { code, says, asked } = await local(root);
    assert.notEqual(code, 0);
    assert.match(says, /change-me/);
    assert.deepEqual(asked, []);
  });

  test("a key that the other processes are not told of is refused, where the sandbox is not in its place", async () => {
    const root = checkout();
    secrets(root, "GEMINI_API_KEY", "a-key");
    assert.equal((await local(root)).code, 0);
    const file = join(root, "k8s/overlays/local/kustomization.yaml");
    const alone = readFileSync(file, "utf8").replace("  - ../../components/sandbox\n", "");
    writeFileSync(file, alone);
    const { code, says, asked } = await local(root);
    assert.equal(code, 1);
    assert.match(says.trim(), /secrets holds GEMINI_API_KEY: name gemini in BELLWETHER_PROVIDERS of k8s\/overlays\/local\/kustomization\.yaml$/);
    assert.deepEqual(asked, []);
    writeFileSync(file, alone.replace(/^# (configMapGenerator:\n)# (.*\n)# (.*\n)# (.*\n)# (.*\n)/m, "$1$2$3$4$5"));
    const named = await local(root);
    assert.equal(named.code, 0, named.says);
  });

  test("what the workflow writes for secrets is what a deployment takes", async () => {
    const workflow = parse(readFileSync(join(K8S, "../.github/workflows/kind.yml"), "utf8"));
    const lines = workflow.jobs.e2e.steps.flatMap((step) => (step.run ?? "").split("\n")).filter((text) => text.includes("overlays/local/secrets"));
    const root = checkout();
    rmSync(join(root, "k8s/overlays/local/secrets"), { recursive: true });
    execFileSync("sh", ["-ec", lines.join("\n").replace("$(openssl rand -hex 16)", "0123456789abcdef")], { cwd: root });
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

describe("just undeploy", { concurrency: 4 }, () => {
  test("PostgreSQL goes after the last pod that works on it", async () => {
    const root = checkout();
    assert.equal((await local(root)).code, 0);
    const { code, says, steps } = await undeploy(root);
    assert.equal(code, 0, says);
    assert.ok(!steps.some((step) => step.startsWith("without a database")), steps.join("\n"));
    rising(steps, [/^delete .*Deployment\/scraper/, /^delete .*Job\/migrate/, /^delete .*StatefulSet\/postgres/]);
    assert.match(says, /the volume is kept/);
  });

  test("pods that do not end in time leave PostgreSQL where it is", async () => {
    const root = checkout();
    assert.equal((await local(root)).code, 0);
    const { code, says, steps } = await undeploy(root, { SHIM_FAIL: "Deployment/scraper" });
    assert.equal(code, 1);
    assert.match(says.trim().split("\n").at(-1), /^undeploy: the services did not end within 30 s, and PostgreSQL was not touched: look at `kubectl -n bellwether get pods`$/);
    assert.ok(!steps.some((step) => /StatefulSet/.test(step)), steps.join("\n"));
  });
});
