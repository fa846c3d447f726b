// What `just status` says, by the real kubectl, of clusters in which something is wrong.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { api } from "./shim/api.mjs";
import { folder, K8S, KUBECTL } from "./tree.mjs";

const named = (name, rest) => ({ metadata: { name, namespace: "bellwether", creationTimestamp: "2026-01-01T00:00:00Z", ...rest?.metadata }, ...Object.fromEntries(Object.entries(rest ?? {}).filter(([key]) => key !== "metadata")) });
const set = (name, replicas = 1, readyReplicas = replicas, conditions = []) => named(name, { spec: { replicas }, status: { ...(readyReplicas > 0 && { readyReplicas }), conditions } });
const container = (name, rest) => ({ name, ready: true, restartCount: 0, state: { running: { startedAt: "2026-01-01T00:00:00Z" } }, ...rest });
const pod = (name, containerStatuses, rest) => named(name, { status: { phase: "Running", containerStatuses, ...rest?.status }, metadata: rest?.metadata });
const job = (name, at, type, owner) => named(name, {
  metadata: { creationTimestamp: `2026-01-01T${at}Z`, ...(owner && { ownerReferences: [{ kind: "CronJob", name: owner }] }) },
  status: { conditions: type ? [{ type, status: "True", ...(type === "Failed" && { reason: "BackoffLimitExceeded" }) }] : [] },
});

// Whole seconds of one moment, so that a time can be said twice.
const now = Math.floor(Date.now() / 1000) * 1000;
const ago = (minutes) => new Date(now - minutes * 60_000).toISOString().replace(".000Z", "Z");

/** A cluster in which all is well, but for what `change` makes of it. */
function cluster(change = () => {}) {
  const world = {
    deployments: [set("alert"), set("analyzer", 2), set("api", 2), set("frontend", 2), set("scraper")],
    statefulsets: [set("postgres")],
    pods: [
      pod("api-1", [container("api")]),
      pod("migrate-1", [container("migrate", { ready: false, state: { terminated: { reason: "Completed" } } })], { status: { phase: "Succeeded" }, metadata: { ownerReferences: [{ kind: "Job", name: "migrate" }] } }),
    ],
    jobs: [job("migrate", "00:00:00", "Complete")],
    cronjobs: [named("scrape-batch", { spec: { suspend: false } })],
    horizontalpodautoscalers: [named("analyzer", { status: { conditions: [{ type: "ScalingActive", status: "True" }] } })],
    persistentvolumeclaims: [named("data-postgres-0", { status: { phase: "Bound" } })],
    services: [],
    events: [],
  };
  change(world);
  return world;
}

async function status(world, options) {
  const server = options?.url ? options : await api(world, options);
  const home = folder("status");
  mkdirSync(join(home, "bin"));
  symlinkSync(KUBECTL, join(home, "bin/kubectl"));
  const config = { apiVersion: "v1", kind: "Config", "current-context": "kind-test", contexts: [{ name: "kind-test", context: { cluster: "one", user: "one" } }], clusters: [{ name: "one", cluster: { server: server.url } }], users: [{ name: "one", user: {} }] };
  writeFileSync(join(home, "config"), JSON.stringify(config));
  const env = { ...process.env, HOME: home, KUBECONFIG: join(home, "config"), KUBECACHEDIR: join(home, "cache"), PATH: `${join(home, "bin")}:${dirname(process.execPath)}:${process.env.PATH}` };
  const { code, says } = await new Promise((resolve) => {
    execFile("bash", [join(K8S, "../scripts/status.sh")], { env }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, says: stdout + stderr }));
  });
  await server.close?.();
  return { code, says };
}

describe("just status", { concurrency: 4 }, () => {
  test("a cluster in which all is well is said to be, and a failed round that was made good is no news", async () => {
    const world = cluster((w) => {
      w.jobs.push(job("scrape-batch-1", "01:00:00", "Failed", "scrape-batch"), job("scrape-batch-2", "01:30:00", "Complete", "scrape-batch"));
      w.pods.push(pod("scrape-batch-1-x", [container("scrape-batch", { ready: false, state: { terminated: { reason: "Error" } } })], { status: { phase: "Failed" }, metadata: { ownerReferences: [{ kind: "Job", name: "scrape-batch-1" }] } }));
      w.pods.push(pod("api-0", [container("api", { ready: false })], { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }));
      // A helper that runs beside the others from the first moment on.
      w.pods.push(pod("postgres-1", [container("postgres")], { status: { initContainerStatuses: [container("plugin-barman-cloud")] } }));
    });
    const { code, says } = await status(world);
    assert.equal(code, 0, says);
    assert.match(says, /kind-test: everything is well/);
  });

  test("each thing that is wrong is told in a line of its own, with where to look", async () => {
    const ended = (reason, exitCode) => ({ lastState: { terminated: { reason, exitCode } } });
    const waits = (reason, rest) => ({ ready: false, state: { waiting: { reason } }, ...rest });
    const pending = (rest) => ({ status: { phase: "Pending", ...rest } });
    const wanted = [];
    /** A fault, and the line that must report it. */
    const wrong = (line, change) => wanted.push({ line, change });
    wrong(/^alert-1 alert ends again and again: 7 restarts, the last end was OOMKilled \(137\) \(kubectl -n bellwether logs alert-1 -c alert --previous\)$/,
      (w) => w.pods.push(pod("alert-1", [container("alert", { ...waits("CrashLoopBackOff", { restartCount: 7 }), ...ended("OOMKilled", 137) })])));
    wrong(/^alert-2 alert was started again: 1 restart, the last end was OOMKilled/, (w) => w.pods.push(pod("alert-2", [container("alert", { restartCount: 1, ...ended("OOMKilled", 137) })])));
    wrong(/^api-2 api has no image: ImagePullBackOff/, (w) => w.pods.push(pod("api-2", [container("api", waits("ImagePullBackOff"))], pending())));
    wrong(/^api-3 api waits: CreateContainerConfigError/, (w) => w.pods.push(pod("api-3", [container("api", waits("CreateContainerConfigError"))], pending())));
    wrong(/^api-4 waits in wait-for-postgres \(kubectl -n bellwether logs api-4 -c wait-for-postgres\)$/,
      (w) => w.pods.push(pod("api-4", [container("api", waits("PodInitializing"))], pending({ initContainerStatuses: [container("wait-for-postgres", { ready: false })] }))));
    wrong(/^api-5 finds no node: 0\/2 nodes are available: 2 Insufficient memory\. \(kubectl -n bellwether describe pod api-5\)$/,
      (w) => w.pods.push(pod("api-5", undefined, pending({ conditions: [{ type: "PodScheduled", status: "False", message: "0/2 nodes are available: 2 Insufficient memory." }] }))));
    wrong(/^api-6 api runs and is not ready/, (w) => w.pods.push(pod("api-6", [container("api", { ready: false })])));
    wrong(/^api-7 has failed: Evicted/, (w) => w.pods.push(pod("api-7", [], { status: { phase: "Failed", reason: "Evicted" } })));
    wrong(/^deployment api: 1 of 2 ready, ProgressDeadlineExceeded/, (w) => { w.deployments[2] = set("api", 2, 1, [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }]); });
    wrong(/^statefulset postgres: 0 of 1 ready/, (w) => { w.statefulsets = [set("postgres", 1, 0)]; });
    wrong(/^deployment scraper is scaled to nothing/, (w) => { w.deployments[4] = set("scraper", 0); });
    wrong(/^the deployment alert is missing \(just deploy\)$/, (w) => w.deployments.shift());
    wrong(/^the Job migrate failed: BackoffLimitExceeded \(kubectl -n bellwether logs job\/migrate/, (w) => { w.jobs = [job("migrate", "00:00:00", "Failed")]; });
    wrong(/^the Job scrape-batch-2 failed/, (w) => w.jobs.push(job("scrape-batch-2", "01:30:00", "Failed", "scrape-batch"), job("scrape-batch-1", "01:00:00", "Complete", "scrape-batch")));
    wrong(/^the Job once has failed 3 times and is tried again \(kubectl -n bellwether logs job\/once --all-containers\)$/, (w) => w.jobs.push(named("once", { status: { active: 1, failed: 3 } })));
    wrong(/^the CronJob scrape-batch is suspended/, (w) => { w.cronjobs[0].spec.suspend = true; });
    wrong(/^the autoscaler analyzer measures nothing: unable to get metrics \(is metrics-server there\?/,
      (w) => { w.horizontalpodautoscalers[0].status.conditions[0] = { type: "ScalingActive", status: "False", message: "unable to get metrics" }; });
    wrong(/^the volume data-postgres-0 is Pending/, (w) => { w.persistentvolumeclaims[0].status.phase = "Pending"; });
    const world = cluster((w) => wanted.forEach(({ change }) => change(w)));
    world.events.push(named("e1", { lastTimestamp: ago(1), type: "Warning", involvedObject: { kind: "Pod", name: "x" }, reason: "BackOff", message: "it complained" }));
    const { code, says } = await status(world);
    assert.equal(code, 1, says);
    const found = /not well:\n((?: {2}.*\n)+)/.exec(says)?.[1].trim().split(/\n */) ?? [];
    for (const { line } of wanted) assert.equal(found.filter((one) => line.test(one)).length, 1, `${line}:\n${found.join("\n")}`);
    assert.equal(found.length, wanted.length, found.join("\n"));
    assert.match(says, /Pod\/x\tBackOff: it complained/);
  });

  test("warnings are of the last minutes and of this namespace, each with its time, the latest last", async () => {
    const event = (name, times) => named(name, { ...times, type: "Warning", involvedObject: { kind: "Pod", name }, reason: "Failed", message: name, metadata: { creationTimestamp: times.eventTime?.slice(0, 19).concat("Z") ?? times.lastTimestamp } });
    const micro = (minutes) => ago(minutes).replace("Z", ".123456Z");
    const world = cluster((w) => {
      w.born = ago(6);
      w.deployments.shift();
      w.events = [
        event("third", { lastTimestamp: null, eventTime: micro(1) }),
        event("second", { lastTimestamp: ago(2) }),
        event("first", { lastTimestamp: null, eventTime: micro(60), series: { count: 9, lastObservedTime: micro(3) } }),
        event("old", { lastTimestamp: ago(30) }),
        event("of-the-namespace-before", { lastTimestamp: ago(8) }),
      ];
    });
    const { says } = await status(world);
    const told = [...says.matchAll(/^ {2}(\S+)\tPod\/(\S+)\tFailed: /gm)].map(([, at, name]) => [at, name]);
    assert.deepEqual(told, [[ago(3), "first"], [ago(2), "second"], [ago(1), "third"]], says);
  });

  test("what an operator has not looked at yet is told", async () => {
    const world = cluster((w) => Object.assign(w, { clusters: [], scaledobjects: [], externalsecrets: [named("bellwether-api")] }));
    const { code, says } = await status(world, { operators: true });
    assert.equal(code, 1);
    assert.match(says, /ExternalSecret bellwether-api is not ready: it has no status yet, does its operator run\? \(kubectl -n bellwether describe externalsecrets\.external-secrets\.io bellwether-api\)/);
  });

  test("it finds what an operator says of its own", async () => {
    const bad = (message) => ({ status: { conditions: [{ type: "Ready", status: "False", message }] } });
    const world = cluster((w) => Object.assign(w, { clusters: [named("postgres", bad("no primary"))], externalsecrets: [named("bellwether", bad("store is away"))], scaledobjects: [named("alert", bad("no such role"))] }));
    const { code, says } = await status(world, { operators: true });
    assert.equal(code, 1);
    for (const wanted of [/Cluster postgres is not ready: no primary/, /ExternalSecret bellwether is not ready: store is away/, /ScaledObject alert is not ready: no such role/]) assert.match(says, wanted);
  });

  for (const [what, run, wanted] of [
    ["a cluster that does not answer", () => status(undefined, { url: "http://127.0.0.1:9" }), /^status: the cluster of kind-test does not answer: .*refused/m],
    ["a cluster that is too old", () => status(cluster(), { minor: "29+" }), /Kubernetes 1\.29: 1\.30 or newer is needed/],
    ["a namespace that is not there", () => status({ gone: true }), /kind-test has no namespace bellwether: `just deploy` makes it/],
  ]) {
    test(`${what} is said in one line`, async () => {
      const { code, says } = await run();
      assert.equal(code, 1);
      assert.match(says, wanted);
      assert.equal(says.trim().split("\n").length, 1, says);
    });
  }
});
