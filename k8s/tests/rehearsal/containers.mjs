// The deployment as containers: images as they are built, and of the manifests the users, the limits,
// the folders that may be written, the arguments, the environment, and the names of the Services.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quantity, World } from "../policy/world.mjs";
import { folder, objects, rendered, stage } from "../tree.mjs";
import { pause, within } from "./cluster.mjs";

const NET = "bellwether-rehearsal";
const world = new World(objects(rendered(stage(), "local")), { overlay: "local" });
const work = folder("containers");
const began = Date.now();
const say = (text) => console.log(`k8s-containers: ${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`);

// What podman wants inside a container of its own, or on a cgroup of version 1.
writeFileSync(join(work, "containers.conf"), `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
`);
const runtime = spawnSync("sh", ["-c", "command -v runc"]).status === 0 ? ["--runtime", "runc"] : [];
const env = { ...process.env, CONTAINERS_CONF: join(work, "containers.conf") };
const podman = (...args) => execFileSync("podman", [...runtime, ...args], { encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 32 << 20 }).trim();
const quietly = (...args) => spawnSync("podman", [...runtime, ...args], { env, stdio: "ignore" }).status;
const image = (text) => (text.includes("/") ? text : `docker.io/library/${text}`);
// Which names of Services lead to a workload; a StatefulSet's pod has one of its own.
const aliases = (one) => {
  const services = world.all("Service").filter((s) => s.spec.selector && world.selected({ matchLabels: s.spec.selector }).some((w) => w.at === one.at));
  const names = services.map((s) => s.metadata.name);
  return one.kind === "StatefulSet" ? [...names, `${one.name}-0.${one.object.spec.serviceName}`] : names;
};

function flags(one, container, alias) {
  const pod = one.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const out = ["--network", [NET, ...alias.map((name, at) => `${at ? "," : ":"}alias=${name}`)].join(""), "--user", `${own.runAsUser ?? pod.runAsUser}:${own.runAsGroup ?? pod.runAsGroup ?? 0}`];
  if (own.readOnlyRootFilesystem) out.push("--read-only", "--read-only-tmpfs=false");
  if (own.allowPrivilegeEscalation === false) out.push("--security-opt", "no-new-privileges");
  for (const name of own.capabilities?.drop ?? []) out.push("--cap-drop", name.toLowerCase());
  out.push("--memory", String(quantity(container.resources.limits.memory)), "--cpus", String(quantity(container.resources.limits.cpu)));
  for (const mount of container.volumeMounts ?? []) {
    const volume = (one.spec.volumes ?? []).find((v) => v.name === mount.name);
    if (volume?.emptyDir) out.push("--tmpfs", `${mount.mountPath}:rw,mode=1777,size=${quantity(volume.emptyDir.sizeLimit ?? "64Mi")}`);
    else if ((one.object.spec.volumeClaimTemplates ?? []).some((claim) => claim.metadata.name === mount.name)) out.push("--volume", `${NET}-${mount.name}:${mount.mountPath}:U`);
    else throw new Error(`${one.at}: the rehearsal does not know the mount ${mount.name}`);
  }
  for (const [key, value] of Object.entries(world.environment(container))) if (value !== null) out.push("--env", `${key}=${value}`);
  return out;
}
const find = (kind, name) => world.workloads().find((one) => one.at === `${kind}/${name}`);
let number = 0;
/** Starts a container of a workload and leaves it running. */
function start(kind, name, { init = false, publish = true, more = [] } = {}) {
  const one = find(kind, name);
  const container = init ? one.init[0] : one.main[0];
  const called = `${NET}-${name}${init ? "-init" : ""}-${++number}`;
  const ports = publish && !init ? (container.ports ?? []).flatMap((port) => ["--publish", `127.0.0.1::${port.containerPort}`]) : [];
  const entry = container.command ? ["--entrypoint", JSON.stringify(container.command)] : [];
  podman("run", "--detach", "--name", called, ...flags(one, container, init ? [] : aliases(one)), ...ports, ...entry, image(container.image), ...(container.args ?? []), ...more);
  return { called, one, container, port: container.ports?.[0]?.containerPort };
}
/** Runs a container to its end; gives back its code. */
const finish = (box) => Number(podman("wait", box.called));
const logs = (box) => spawnSync("podman", [...runtime, "logs", box.called], { env, encoding: "utf8" });
const inspect = (box, format) => podman("inspect", "--format", format, box.called);
const address = (box) => `http://${podman("port", box.called, `${box.port}/tcp`).split("\n")[0]}`;
const status = (url, options) => fetch(url, { signal: AbortSignal.timeout(5000), ...options }).then((answer) => answer.status, () => 0);

/** What the kernel says of process 1 of a container. */
function confined(box) {
  const pid = inspect(box, "{{.State.Pid}}");
  const says = (file) => readFileSync(`/proc/${pid}/${file}`, "utf8");
  const field = (name) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(says("status"))[1];
  const own = box.container.securityContext;
  assert.equal(Number(field("Uid")), own.runAsUser ?? box.one.spec.securityContext.runAsUser, `${box.called}: the user`);
  assert.match(field("CapEff"), /^0+$/, `${box.called}: capabilities`);
  assert.equal(field("NoNewPrivs"), "1", `${box.called}: new privileges`);
  assert.equal(field("Seccomp"), "2", `${box.called}: seccomp`);
  const rootfs = says("mountinfo").split("\n").find((line) => line.split(" ")[4] === "/");
  assert.match(rootfs.split(" ")[5], /^ro\b/, `${box.called}: the root is read only`);
  assert.equal(Number(inspect(box, "{{.HostConfig.Memory}}")), quantity(box.container.resources.limits.memory));
}
function clean() {
  for (const id of podman("ps", "--all", "--quiet", "--filter", `name=${NET}-`).split("\n").filter(Boolean)) quietly("rm", "--force", "--time", "0", id);
  quietly("network", "rm", "--force", NET);
  for (const volume of podman("volume", "ls", "--quiet", "--filter", `name=${NET}`).split("\n").filter(Boolean)) quietly("volume", "rm", "--force", volume);
}

async function main() {
  for (const one of ["bellwether:dev", "bellwether-frontend:dev"]) {
    if (quietly("image", "exists", image(one)) !== 0) throw new Error(`there is no image ${one}: run \`just images\` first`);
  }
  clean();
  podman("network", "create", NET);
  const waiting = start("Job", "migrate", { init: true });
  await within(30, "the init container to wait", () => /waiting/.test(logs(waiting).stderr));
  const postgres = start("StatefulSet", "postgres");
  assert.equal(finish(waiting), 0, logs(waiting).stderr);
  say("PostgreSQL answers at postgres-0.postgres-service, with a root that is read only");
  const migrate = start("Job", "migrate");
  assert.equal(finish(migrate), 0, logs(migrate).stderr);
  start("Deployment", "sandbox", { more: ["--sandbox-open-control"] });
  const boxes = {};
  for (const name of ["api", "scraper", "analyzer", "alert", "frontend"]) {
    const one = find("Deployment", name);
    if (one.init.length > 0) {
      const init = start("Deployment", name, { init: true });
      assert.equal(finish(init), 0, logs(init).stderr);
    }
    boxes[name] = start("Deployment", name);
  }
  for (const [name, box] of Object.entries(boxes)) {
    const path = box.container.readinessProbe.httpGet.path;
    await within(90, `${name} to be ready: ${logs(box).stderr.slice(-300)}`, async () => (await status(address(box) + path)) === 200);
    confined(box);
  }
  say("every container is ready: an ordinary user, no capability, no new privileges, seccomp, a root that is read only, the limits of memory");

  const tokens = Object.fromEntries(world.secrets().BELLWETHER_API_TOKENS.split(",").map((one) => one.split(":")));
  const auth = { authorization: `Bearer ${tokens.operator}`, "content-type": "application/json" };
  const front = address(boxes.frontend);
  assert.match(await (await fetch(`${front}/jobs/1`)).text(), /id="root"/);
  assert.equal(await status(`${front}/api/queues`, { headers: auth }), 200);
  assert.equal(await status(`${front}/metrics`), 404);
  say("the frontend finds the API by its Service's name");

  // Every reading takes five seconds, so that the signal comes in the middle of one.
  const sandbox = `http://${podman("port", podman("ps", "--quiet", "--filter", `name=${NET}-sandbox`), "4010/tcp")}`;
  await fetch(`${sandbox}/_sandbox/faults`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify([{ id: "F02", match: "generateContent", delay: "5s" }]) });
  const cron = start("CronJob", "scrape-batch");
  assert.equal(finish(cron), 0, logs(cron).stderr);
  say("the CronJob's command completes");
  const { POSTGRES_USER, POSTGRES_DB } = world.environment(postgres.container);
  const ask = (sql) => podman("exec", postgres.called, "psql", "-U", POSTGRES_USER, "-d", POSTGRES_DB, "-tAc", sql);
  // A process is called by its host and its number: the analyzer's has to be process 1 of its container.
  const who = ask(`select id from queue.process where name like '%${inspect(boxes.analyzer, "{{.Config.Hostname}}")}:1'`);
  assert.match(who, /^[0-9a-f-]+$/, "the analyzer is process 1");
  const reading = `from queue.running where process = '${who}' and kind = 'analyze_article'`;
  const held = await within(120, "an article that is being read", () => {
    const found = ask(`select id ${reading}`).split("\n").filter(Boolean);
    return found.length > 0 && found;
  });
  const grace = boxes.analyzer.one.spec.terminationGracePeriodSeconds;
  const at = Date.now();
  podman("kill", "--signal", "TERM", boxes.analyzer.called);
  const told = ask("select clock_timestamp()");
  assert.equal(finish(boxes.analyzer), 0, logs(boxes.analyzer).stderr.slice(-600));
  const seconds = (Date.now() - at) / 1000;
  assert.ok(seconds < grace - 10, `${seconds} s of ${grace}`);
  assert.equal(ask(`select count(*) ${reading}`), "0", "nothing of it is left running");
  assert.equal(ask(`select count(*) from queue.done where process = '${who}' and id in (${held})`), String(held.length), "it completed what it read");
  assert.equal(ask(`select count(*) from queue.done where process = '${who}' and claimed_at > '${told}'::timestamptz + interval '1 second'`), "0", "it claimed nothing after the signal");
  assert.equal(ask(`select count(*) from queue.attempt where process = '${who}' and outcome in ('lost', 'released')`), "0", "it gave nothing back");
  say(`TERM to process 1 while it read ${held.length} articles: it claimed nothing more, completed them all and ended with 0 after ${seconds.toFixed(0)} of ${grace} s`);
  for (const name of ["alert", "scraper", "api", "frontend"]) {
    podman("kill", "--signal", name === "frontend" ? "QUIT" : "TERM", boxes[name].called);
    assert.equal(finish(boxes[name]), 0, name);
  }
  say("every process ends with 0");
}

try {
  await main();
  await pause(0);
} catch (error) {
  console.error(`k8s-containers: FAILED: ${error.message}${error.stderr ? `: ${error.stderr}` : ""}`);
  process.exitCode = 1;
} finally {
  if (!process.env.KEEP) clean();
}
