// The deployment as processes of this machine: what the manifests start, ended, killed and cut off.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { documented, spoken } from "../eyes.mjs";
import { World } from "../policy/world.mjs";
import { folder, K8S, objects, rendered, stage } from "../tree.mjs";
import { Cluster, Door, Pod, free, pause, taken, within } from "./cluster.mjs";

const { values: options } = parseArgs({ options: { short: { type: "boolean", default: false } } });
const short = options.short;
const work = folder("rehearsal");
chmodSync(work, 0o755);
const world = new World(objects(rendered(stage(), "local")), { overlay: "local" });
const production = new World(objects(rendered(stage(), "production")), { overlay: "production" });
const cluster = new Cluster(world, process.env.BELLWETHER, work);
const began = Date.now();
const say = (text) => console.log(`k8s-rehearse: ${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`);
const left = [];
const listens = {};

const server = new URL(process.env.TEST_DATABASE_URL);
const secret = world.secrets();
const { DATABASE_NAME, DATABASE_USER } = world.generated("ConfigMap", "bellwether-database").data;
const tokens = Object.fromEntries(secret.BELLWETHER_API_TOKENS.split(",").map((one) => one.split(":")));
const as = (role) => ({ authorization: `Bearer ${tokens[role]}` });
const auth = as("operator");

/** What the image of PostgreSQL does with its environment: a role and a database, both new. */
async function makeDatabase() {
  const admin = new pg.Client({ connectionString: new URL("/postgres", server).href });
  await admin.connect();
  const there = (await admin.query("select from pg_roles where rolname = $1", [DATABASE_USER])).rowCount > 0;
  await admin.query(`${there ? "alter" : "create"} role ${DATABASE_USER} login superuser password '${secret.POSTGRES_PASSWORD}'`);
  await admin.query(`drop database if exists ${DATABASE_NAME} with (force)`);
  await admin.query(`create database ${DATABASE_NAME} owner ${DATABASE_USER}`);
  await admin.end();
}
let db;
const rows = async (sql, args = []) => (await db.query(sql, args)).rows;
const one = async (sql, args) => Object.values((await rows(sql, args))[0] ?? [null])[0];
const count = async (sql, args) => Number(await one(`select count(*) ${sql}`, args));
const sandbox = async (path, body) => {
  const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {});
  assert.ok(answer.ok, `${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.json();
};
const ready = (pod, seconds = 60) =>
  within(seconds, `${pod.name} to be ready`, async () => {
    if (!pod.alive) throw Object.assign(new Error(`${pod.name} ended: ${pod.said().slice(-600)}`), { final: true });
    return (await pod.get("/ready")).status === 200;
  });
/** The row of a pod's process: names hold the pid. */
const processOf = (pod) => one("select id from queue.process where name like '%:' || $1 order by started_at desc limit 1", [String(pod.pid)]);
const pods = { api: [], scraper: [], analyzer: [], alert: [] };
const allPods = () => Object.values(pods).flat();
const scraped = new Map();
async function scrape() {
  for (const pod of allPods().filter((one) => one.alive)) {
    const { status, text } = await pod.get("/metrics");
    assert.equal(status, 200);
    for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) scraped.set(name, type);
  }
}
async function add(kind) {
  const pod = await cluster.serveAs(kind);
  pods[kind].push(pod);
  return pod;
}

async function initContainersWait(door) {
  const wait = cluster.start("Job", "migrate", { init: true });
  await within(30, "the init container to say that it waits", () => /waiting/.test(wait.said()));
  assert.ok(wait.alive);
  await door.open(door.port);
  assert.equal((await wait.end(30)).code, 0);
  const schema = cluster.start("Deployment", "api", { init: true });
  await within(30, "the init container to miss the schema", () => /migrat/.test(schema.said()));
  const twice = [cluster.start("Job", "migrate"), cluster.start("Job", "migrate")];
  for (const migrate of twice) assert.equal((await migrate.end(120)).code, 0, migrate.said());
  assert.equal((await schema.end(30)).code, 0);
  say("init containers wait for PostgreSQL and for the schema; two migrations at once are one");
}

async function allStart() {
  for (const kind of ["api", "api", "scraper", "analyzer", "analyzer", "alert"]) await add(kind);
  for (const pod of allPods()) await ready(pod);
  for (const [kind, [pod]] of Object.entries(pods)) {
    const health = JSON.parse((await pod.get("/health")).text);
    assert.equal(health.service, kind);
    assert.equal(health.status, "healthy");
    if (pod.first) assert.equal(pod.port, pod.containerPort);
    else left.push(`port ${pod.containerPort} of ${kind}: another process on this machine uses it`);
  }
  const ports = Object.entries(pods).filter(([, [pod]]) => pod.first).map(([kind, [pod]]) => `${kind} ${pod.port}`);
  say(`2 api, 1 scraper, 2 analyzers, 1 alert are ready; the ports of the manifests answer: ${ports.join(", ")}`);
}

/** Gives the ledger another plan, by the route that an administrator uses. */
async function plan(amount) {
  const [api] = pods.api;
  const key = await within(60, "the model's limit", async () => {
    const { items } = JSON.parse((await api.get("/api/limits", { headers: auth })).text);
    return items.find((limit) => limit.key.startsWith("gemini/"));
  });
  const { no } = key.windows.find((window) => window.dimension === "requests" && window.period_seconds === 60);
  const changed = await api.get(`/api/limits/${encodeURIComponent(key.key)}`, {
    method: "PATCH",
    headers: { ...as("admin"), "content-type": "application/json" },
    body: JSON.stringify({ windows: [{ no, amount }], for_seconds: 3600, reason: "rehearsal" }),
  });
  assert.equal(changed.status, 200, changed.text);
}

async function theFrontend() {
  const nginx = process.env.K8S_NGINX;
  if (!nginx) return left.push("the frontend's nginx: it is not here");
  const port = await free();
  const web = join(K8S, "../web");
  mkdirSync(join(work, "nginx/html"), { recursive: true });
  writeFileSync(join(work, "nginx/html/index.html"), '<div id="root"></div>');
  for (const file of ["nginx.conf", "nginx-headers.conf", "nginx-upstream.conf"]) {
    const text = readFileSync(join(web, file), "utf8")
      .replaceAll(" /tmp/", ` ${work}/nginx/`)
      .replaceAll("/etc/nginx/", `${work}/nginx/`)
      .replaceAll("/usr/share/nginx/html", `${work}/nginx/html`)
      .replace("listen 8080", `listen 127.0.0.1:${port}`)
      .replace("server api-service:3000;", pods.api.map((pod) => `server 127.0.0.1:${pod.port};`).join(" "));
    writeFileSync(join(work, "nginx", file), text);
  }
  cpSync(join(nginx, "../../../etc/nginx/mime.types"), join(work, "nginx/mime.types"));
  const log = openSync(join(work, "nginx.log"), "a");
  const user = process.getuid() === 0 ? "user root; " : "";
  const child = spawn(nginx, ["-e", "stderr", "-p", join(work, "nginx"), "-c", join(work, "nginx/nginx.conf"), "-g", `${user}daemon off;`], { stdio: ["ignore", log, log] });
  const front = cluster.adopt(Object.assign(new Pod("frontend", child, join(work, "nginx.log")), { port }));
  await within(20, "nginx", async () => (await front.get("/healthz")).status === 200);
  assert.match((await front.get("/jobs/1")).text, /id="root"/);
  assert.equal((await front.get("/api/queues", { headers: auth })).status, 200);
  assert.ok([401, 403].includes((await front.get("/api/queues")).status), "no token, no queues");
  assert.equal((await front.get("/metrics")).status, 404);
  const scrape = await front.get("/scrape", { method: "POST", headers: { ...auth, "content-type": "application/json" }, body: "{}" });
  assert.equal(scrape.status, 202, scrape.text);
  // A client loads the page for as long as the rehearsal runs.
  const stream = await fetch(`${front.url}/api/events`, { headers: auth });
  assert.equal(stream.status, 200);
  listens.stream = stream.body.getReader();
  say("through nginx: the page, the API with a token and not without, a scrape; /metrics stays inside");
}

async function theCronJob() {
  for (let round = 0; ; round += 1) {
    const slot = () => Math.floor(Date.now() / 1_800_000);
    const before = slot();
    const runs = [cluster.start("CronJob", "scrape-batch"), cluster.start("CronJob", "scrape-batch")];
    for (const run of runs) assert.equal((await run.end(120)).code, 0, run.said());
    const again = cluster.start("CronJob", "scrape-batch");
    assert.equal((await again.end(120)).code, 0, again.said());
    if (slot() !== before && round === 0) continue; // the half hour ended meanwhile
    const ids = new Set([...runs, again].map((run) => run.output.trim()));
    assert.equal(ids.size, 1, `one batch, not ${[...ids]}`);
    assert.equal(await count("from queue.job where kind = 'scrape_batch' and id = $1 and state = 'completed'", [[...ids][0]]), 1);
    break;
  }
  say("the CronJob's command three times in one slot: one batch, which completed");
}

// Beside the watchlist. The number of articles about a company depends on the day of the week.
const COMPANIES = ["NVDA", "META", "JPM", "XOM", "JNJ", "WMT", "PFE", "KO", "DIS", "INTC", "AMD", "NFLX", "ORCL", "CRM", "BAC", "V", "MA", "PEP", "COST", "CVX"];

/** Adds jobs that wait for a model: scrapes companies outside the watchlist until so many more articles are to be read. */
async function plenty(least) {
  const total = () => count("from queue.job where kind = 'analyze_article'");
  const before = await total();
  while ((await total()) < before + least) {
    const symbols = COMPANIES.splice(0, 4);
    assert.ok(symbols.length > 0, `${least} more articles: there were ${(await total()) - before}`);
    const answer = await pods.api[0].get("/scrape", { method: "POST", headers: { ...auth, "content-type": "application/json" }, body: JSON.stringify({ symbols }) });
    assert.equal(answer.status, 202, answer.text);
    await within(120, "the news to be fetched", async () => (await count("from queue.job where kind in ('scrape_batch', 'scrape_news') and state <> 'completed'")) === 0);
  }
}
const running = (process) => rows("select id, attempt from queue.running where process = $1 and kind = 'analyze_article'", [process]);
const reading = async (pod) => {
  return within(90, `${pod.name} to read articles`, async () => {
    const process = await processOf(pod);
    const found = await running(process);
    return found.length > 0 && { process, jobs: found };
  });
};

async function drained() {
  // Two of them want the same few articles: the second waits until the first is full.
  const victim = pods.analyzer.pop();
  const { process } = await reading(victim);
  victim.child.kill("SIGTERM");
  const told = await one("select clock_timestamp()");
  await within(10, "it to say that it drains", async () => !victim.alive || (await victim.get("/ready").catch(() => ({ status: 503 }))).status === 503);
  const { code, signal } = await victim.end(70);
  assert.deepEqual([code, signal], [0, null], victim.said().slice(-600));
  assert.equal(await count("from queue.running where process = $1", [process]), 0);
  assert.equal(await count("from queue.attempt where process = $1 and outcome = 'lost'", [process]), 0);
  const late = await count("from queue.done where process = $1 and claimed_at > $2::timestamptz + interval '1 second'", [process, told]);
  assert.equal(late, 0, "it claimed after the signal");
  say("SIGTERM: a draining analyzer is not ready, claims nothing more, finishes what it reads, ends with 0");
}

async function killed() {
  const victim = await add("analyzer");
  await ready(victim);
  const { process, jobs } = await reading(victim);
  pods.analyzer.splice(pods.analyzer.indexOf(victim), 1);
  victim.child.kill("SIGKILL");
  const at = Date.now();
  await victim.end(5);
  const held = (await running(process)).map((job) => job.id);
  assert.ok(held.length > 0 || jobs.length > 0);
  await within(30, "the dead worker's jobs to be taken from it", async () => (await count("from queue.running where process = $1", [process])) === 0);
  say(`SIGKILL: ${held.length} jobs were taken from the dead worker within ${Math.round((Date.now() - at) / 1000)} s`);
  if (held.length === 0) return;
  await within(120, "the jobs to be done by another", async () => (await count("from queue.job where id = any($1) and state = 'completed'", [held])) === held.length);
  assert.equal(await count("from queue.done where id = any($1) and process = $2", [held, process]), 0);
  assert.equal(await count("from queue.done where id = any($1) and attempt = 2", [held]), held.length, "each took two attempts");
  assert.equal(await count("from queue.attempt where job = any($1) and outcome = 'lost'", [held]), held.length);
  say("the jobs were done by another worker: two attempts each, the first lost");
}

/** Each story was read once by each analyzer whatever died meanwhile. */
async function effectsOnce() {
  const read = await count("from sentiment where replaces is null");
  assert.ok(read > 0, "a model read an article");
  assert.equal(await count("from (select from sentiment where replaces is null group by article_id, analyzer having count(*) > 1) twice"), 0);
  say(`${read} readings, each of them there once`);
}

async function databaseAway(door) {
  await door.shut();
  for (const pod of allPods()) {
    await within(10, `${pod.name} to be not ready`, async () => (await pod.get("/ready")).status === 503);
  }
  const seconds = short ? 5 : 300;
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    for (const pod of allPods()) {
      assert.equal((await pod.get("/health")).status, 200, `${pod.name} is healthy`);
      assert.ok(pod.alive, `${pod.name} goes on`);
    }
    await pause(500);
  }
  await door.open();
  for (const pod of allPods()) await ready(pod, 60);
  say(`the database away for ${seconds} s: not ready within 10 s, healthy all the time, no process ended, ready again`);
}

/** The most calls of a provider that arrived in any stretch of a minute, by the times of the sandbox's book. */
function busiest(items, provider, since = 0) {
  const times = items.filter((one) => one.provider === provider).map((one) => Date.parse(one.time)).filter((time) => time > since).sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to += 1) {
    while (times[to] - times[from] >= 60_000) from += 1;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

async function scaled() {
  const more = [];
  for (let n = pods.analyzer.length; n < 5; n += 1) more.push(await add("analyzer"));
  for (const pod of more) await ready(pod);
  const before = (await sandbox("ledger?provider=gemini")).items.length;
  // Five analyzers would read forty at a time; the long form makes the quota the narrower one.
  const quota = short ? 60 : 10;
  if (!short) {
    await plan(quota);
    await sandbox("limits", { gemini: { rpm: quota } });
  }
  const told = Date.now();
  await plenty(short ? 8 : 25);
  const busy = new Set();
  await within(300, "the articles to be read", async () => {
    for (const { process } of await rows("select distinct process from queue.running where kind = 'analyze_article'")) busy.add(process);
    const waiting = await count("from queue.job where kind = 'analyze_article' and state in ('available', 'parked', 'running', 'retryable')");
    return (await sandbox("ledger?provider=gemini")).items.length > before && waiting === 0;
  });
  assert.ok(busy.size >= (short ? 2 : 3), `${busy.size} analyzers read`);
  for (const pod of more.splice(0, 3)) {
    pods.analyzer.splice(pods.analyzer.indexOf(pod), 1);
    const { code } = await pod.end(70, "SIGTERM");
    assert.equal(code, 0, `${pod.name}: ${pod.said().slice(-600)}`);
  }
  const { items } = await sandbox("ledger");
  const over = items.filter((one) => one.verdict.startsWith("limit:"));
  assert.deepEqual(over.map((one) => `${one.provider} ${one.verdict}`), [], "calls beyond a quota");
  const all = busiest(items, "gemini");
  assert.ok(all <= 60, `${all} calls in a minute of 60`);
  const last = busiest(items, "gemini", told + 60_000);
  assert.ok(last <= quota, `${last} calls in a minute of ${quota}`);
  if (!short) assert.equal(last, quota, "the quota was what held them back");
  const by = {};
  for (const one of items) by[one.provider] = (by[one.provider] ?? 0) + 1;
  say(`2 → 5 → 2 analyzers: the sandbox counted ${Object.entries(by).map(([who, n]) => `${n} ${who}`).join(", ")}, none beyond a quota; in its busiest minute the model was asked ${all} of 60 times${short ? "" : `, with five analyzers ${last} of ${quota}`}`);
}

/** The question that KEDA asks, of what could run now. */
async function kedasQuestion() {
  for (const object of production.all("ScaledObject")) {
    for (const { metadata } of object.spec.triggers.filter((trigger) => trigger.type === "postgresql")) {
      const queue = object.metadata.name;
      const client = await db.connect();
      try {
        await client.query("begin");
        await client.query("delete from queue.ready where lane in (select id from queue.lane where queue = $1)", [queue]);
        const ask = async () => Number(Object.values((await client.query(metadata.query)).rows[0])[0]);
        const empty = await ask();
        const kind = { analyzer: "derive_signal", alert: "evaluate_alerts", scraper: "scrape_batch" }[queue];
        const enqueue = (n, due) => client.query(
          `select queue.enqueue(kind => $1, args => '{}', queue => $2, lane => $4, due_at => $5::timestamptz, unique_key => 'rehearsal/' || $3 || '/' || i) from generate_series(1, $3) i`,
          [kind, queue, n, "rehearsal", due],
        );
        await enqueue(7, null);
        assert.equal(await ask(), empty + 7, `${queue}: seven that could run`);
        await client.query("select queue.enqueue(kind => $1, args => '{}', queue => $2, lane => 'rehearsal', due_at => now() + interval '1 hour', unique_key => 'later')", [kind, queue]);
        assert.equal(await ask(), empty + 7, `${queue}: one that is due in an hour does not count`);
        await enqueue(2_000, null);
        const asked = Date.now();
        assert.equal(await ask(), empty + 1000, `${queue}: it reads a thousand of a lane at most`);
        assert.ok(Date.now() - asked < 1000, `${queue}: ${Date.now() - asked} ms for one question`);
        await client.query("update queue.queue set paused = true where name = $1", [queue]);
        assert.ok((await ask()) <= empty, `${queue}: a paused queue needs no worker`);
      } finally {
        await client.query("rollback");
        client.release();
      }
    }
  }
  say("KEDA's question counts what could run now: not what is due later, not a paused queue");
}

async function theEyes() {
  const heard = await Promise.race([listens.stream.read(), pause(30_000)]);
  assert.match(Buffer.from(heard?.value ?? []).toString(), /^event: \w+$/m, "the open page hears of events");
  const known = documented();
  const wanted = [...spoken().keys()];
  // A series with labels appears with its first occurrence; these occur when something goes wrong.
  await within(60, "every metric that rules and dashboards speak of", async () => {
    await scrape();
    const missing = wanted.filter((name) => !scraped.has(name));
    if (missing.length > 0) throw new Error(missing.join(", "));
    return true;
  });
  for (const name of wanted) assert.equal(scraped.get(name), known.get(name).type, `${name} is of another type`);
  say(`the ${wanted.length} metrics of rules and dashboards are all in what was scraped`);
}

/** The commands of the runbooks: reads are run, changes are checked to be existing routes. */
async function theRunbooks() {
  const here = join(K8S, "../docs/runbooks");
  const text = readdirSync(here).filter((file) => file.endsWith(".md")).map((file) => readFileSync(join(here, file), "utf8")).join("\n");
  const [api] = pods.api;
  const { items } = JSON.parse((await api.get("/api/limits", { headers: auth })).text);
  const id = await one("select max(id) from queue.job where kind = 'analyze_article'");
  const fill = (command) => command.replaceAll("KEY", encodeURIComponent(items[0].key)).replaceAll("ID", String(id))
    .replaceAll("QUEUE", "analyzer").replaceAll("KIND", "analyze_article").replaceAll("NAME", "scrape").replaceAll("TIME", "2026-01-01T00:00:00Z");
  const described = JSON.parse((await api.get("/api/openapi.json", { headers: auth })).text).paths;
  let tried = 0;
  for (const [, command] of text.matchAll(/^(?:bw|api|db) .*$|`((?:bw|api|db) [^`]+)`/gm)) {
    if (!command) continue;
    const [, statement] = /^db -c (.*)$/.exec(command) ?? [];
    if (statement) {
      await db.query(statement.replace(/^(["'])(.*)\1$/, "$2"));
      tried += 1;
      continue;
    }
    const [tool, ...words] = fill(command).match(/'[^']*'|\S+/g).map((word) => word.replace(/^'|'$/g, ""));
    tried += 1;
    if (tool === "bw") {
      const run = cluster.start("Deployment", "api", { args: words });
      const { code } = await run.end(30);
      const changes = /retry|cancel/.test(words[1] ?? "");
      assert.ok(changes ? code !== 2 : code === 0, `${command}: ${code}: ${run.said()}`);
      continue;
    }
    const method = words.includes("-X") ? words[words.indexOf("-X") + 1] : "GET";
    if (method === "GET" && words.length === 1) {
      const { status, text: body } = await api.get(words[0], { headers: auth });
      assert.equal(status, 200, `${command}: ${body}`);
    } else {
      const path = words[0].split("?")[0].split("/");
      const fits = Object.entries(described).some(([route, methods]) => {
        const parts = route.split("/");
        return parts.length === path.length && parts.every((part, at) => part.startsWith("{") || part === path[at]) && method.toLowerCase() in methods;
      });
      assert.ok(fits, `${command}: there is no ${method} ${words[0]}`);
    }
  }
  assert.ok(tried > 30, `${tried} commands`);
  say(`${tried} commands of the runbooks are ones that there are`);
}

/** Progress of all steps, to find the reason why a rehearsal stopped. */
const standing = () => rows(`
  select format('--- %s %s: %s', kind, state, count(*)) as says from queue.job group by kind, state
  union all select format('--- %s: parked until %s, %s', name, parked_until, parked_why) from queue.limit_key where parked_until > clock_timestamp()
  union all select format('--- %s', f) from (select error, count(*) from queue.attempt where error is not null group by error limit 10) f`);

async function main() {
  await makeDatabase();
  const door = new Door({ host: server.hostname, port: Number(server.port) });
  door.port = await free();
  cluster.serve(`${world.generated("ConfigMap", "bellwether-database").data.DATABASE_HOST}:5432`, `127.0.0.1:${door.port}`);
  const [http, smtp] = [await free(), await free()];
  cluster.serve("sandbox-service:4010", `127.0.0.1:${http}`);
  cluster.serve("sandbox-service:4025", `127.0.0.1:${smtp}`);
  cluster.start("Deployment", "sandbox", { args: ["sandbox", "--sandbox-addr", `127.0.0.1:${http}`, "--sandbox-smtp-addr", `127.0.0.1:${smtp}`] });
  sandbox.url = `http://127.0.0.1:${http}`;
  await within(30, "the sandbox", () => sandbox("health").catch(() => fetch(`${sandbox.url}/_sandbox/health`).then((a) => a.ok)));
  // Every reading takes two seconds, so that one can be interrupted.
  await sandbox("limits", { gemini: { rpm: 60 } });
  await sandbox("faults", [{ id: "F02", match: "generateContent", delay: "2s" }]);

  await initContainersWait(door);
  db = new pg.Pool({ host: server.hostname, port: Number(server.port), user: DATABASE_USER, password: secret.POSTGRES_PASSWORD, database: DATABASE_NAME, max: 4 });
  db.on("error", () => {});
  await allStart();
  await plan(60);
  await theFrontend();
  await theCronJob();
  await plenty(10);
  await drained();
  await killed();
  await databaseAway(door);
  await scaled();
  await effectsOnce();
  await theRunbooks();
  await theEyes();
  await listens.stream.cancel();
  for (const pod of allPods()) pod.child.kill("SIGTERM");
  for (const pod of allPods()) assert.equal((await pod.end(70)).code, 0, `${pod.name}: ${pod.said().slice(-600)}`);
  say("every process ends with 0");
  await kedasQuestion();
  await db.end();
  for (const line of left) say(`left out: ${line}`);
}

const stop = async (code) => {
  await cluster.stop().catch(() => {});
  process.exit(code);
};
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop(130));
try {
  await main();
  await stop(0);
} catch (error) {
  console.error(`k8s-rehearse: FAILED: ${error.message}`);
  console.error(error.stack.split("\n").filter((line) => /rehearsal/.test(line)).slice(0, 4).join("\n"));
  cluster.report();
  for (const { says } of await standing().catch((wrong) => [{ says: wrong.message }])) console.error(says);
  await stop(1);
}
