// The frontend's nginx, started with the very files of its image on this machine.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { K8S } from "./tree.mjs";

const nginx = process.env.K8S_NGINX;
const skip = nginx ? false : "nginx is not here";
const web = join(K8S, "../web");
const asked = [];
let base;
let child;
let stub;
let work;

const free = () =>
  new Promise((resolve) => {
    const one = socket().listen(0, "127.0.0.1", () => {
      const { port } = one.address();
      one.close(() => resolve(port));
    });
  });

async function answers(url) {
  for (;;) {
    const up = await fetch(url).then(() => true, () => false);
    if (up) return;
    assert.equal(child.exitCode, null, "nginx ended");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(async () => {
  if (skip) return;
  stub = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    if (request.url === "/api/events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: job\ndata: {}\n\n");
      return;
    }
    response.writeHead(request.method === "POST" ? 202 : 200, { "content-type": "application/json", "x-frame-options": "SAMEORIGIN", "cross-origin-resource-policy": "cross-origin", "permissions-policy": "camera=*" });
    response.end('{"from":"stub"}');
  });
  await new Promise((resolve) => stub.listen(0, "127.0.0.1", resolve));
  work = mkdtempSync(join(tmpdir(), "bellwether-nginx-"));
  chmodSync(work, 0o755);
  for (const folder of ["html/assets", "etc"]) mkdirSync(join(work, folder), { recursive: true });
  writeFileSync(join(work, "html/index.html"), '<div id="root"></div>');
  writeFileSync(join(work, "html/health.json"), '{"status":"healthy"}');
  writeFileSync(join(work, "html/assets/app-1a2b.js"), "export {};");
  for (const file of ["nginx.conf", "nginx-headers.conf"]) cpSync(join(web, file), join(work, "etc", file));
  cpSync(join(nginx, "../../../etc/nginx/mime.types"), join(work, "etc/mime.types"));
  const upstream = readFileSync(join(web, "nginx-upstream.conf"), "utf8");
  assert.match(upstream, /server api-service:3000;/, "the upstream is the API's Service");
  writeFileSync(join(work, "etc/nginx-upstream.conf"), upstream.replace("api-service:3000", `127.0.0.1:${stub.address().port}`));
  // Places and ports of this machine in the place of the image's; nothing else changes.
  const port = await free();
  const file = join(work, "etc/nginx.conf");
  const text = readFileSync(file, "utf8");
  assert.match(text, /listen 8080\b/, "the port of the container");
  writeFileSync(
    file,
    text
      .replaceAll(" /tmp/", ` ${work}/`)
      .replaceAll("/etc/nginx/", `${work}/etc/`)
      .replaceAll("/usr/share/nginx/html", `${work}/html`)
      .replace("listen 8080", `listen 127.0.0.1:${port}`),
  );
  // The log goes to a file: a socket, as node passes it, cannot be opened by its name.
  const log = openSync(join(work, "log"), "a");
  const user = process.getuid() === 0 ? "user root; " : "";
  execFileSync(nginx, ["-t", "-q", "-e", "stderr", "-p", work, "-c", file, "-g", user], { stdio: ["ignore", log, "pipe"] });
  child = spawn(nginx, ["-e", "stderr", "-p", work, "-c", file, "-g", `${user}daemon off;`], { stdio: ["ignore", log, log] });
  base = `http://127.0.0.1:${port}`;
  await answers(`${base}/healthz`);
});

after(async () => {
  stub?.closeAllConnections();
  stub?.close();
  if (child && child.exitCode === null) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  }
  if (work) rmSync(work, { recursive: true, force: true });
});

/** The log line of a path, once it is written. */
async function logged(path) {
  const line = () => readFileSync(join(work, "log"), "utf8").split("\n").find((text) => text.includes(`"${path}"`));
  const end = Date.now() + 5000;
  while (!line() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(line(), `no line of the log tells of ${path}`);
  return line();
}

const get = (path, options) => fetch(base + path, { redirect: "manual", ...options });

test("a deep link is the page, which no cache keeps", { skip }, async () => {
  for (const path of ["/", "/jobs", "/jobs/1", "/alerts", "/deep/link"]) {
    const answer = await get(path);
    assert.equal(answer.status, 200, path);
    assert.match(await answer.text(), /id="root"/);
    assert.match(answer.headers.get("cache-control"), /no-cache/);
  }
});

test("an asset is kept for good, and one that is missing is no page", { skip }, async () => {
  const found = await get("/assets/app-1a2b.js");
  assert.match(found.headers.get("cache-control"), /immutable/);
  assert.match(found.headers.get("content-type"), /javascript/);
  await found.text();
  const missing = await get("/assets/app-9f9f.js");
  assert.equal(missing.status, 404);
  assert.doesNotMatch(await missing.text(), /id="root"/);
});

test("/api/ reaches the API, with the host that was asked for", { skip }, async () => {
  asked.length = 0;
  const answer = await get("/api/jobs?state=running");
  assert.deepEqual(await answer.json(), { from: "stub" });
  assert.match(asked.join(), /^GET \/api\/jobs\?state=running 127\.0\.0\.1(:\d+)?$/);
});

test("the four routes that take a POST reach the API", { skip }, async () => {
  for (const path of ["/jobs", "/scrape", "/analyze", "/check-alerts"]) {
    asked.length = 0;
    const answer = await get(path, { method: "POST", body: "{}" });
    assert.equal(answer.status, 202, path);
    await answer.text();
    assert.match(asked[0], new RegExp(`^POST ${path} `));
  }
});

test("a line of the log is JSON, with the path that was asked for and never the query", { skip }, async () => {
  // Of a page too, whatever file it is served from.
  for (const path of ["/api/latest-data", "/jobs/7"]) {
    await (await get(`${path}?token=hush`)).text();
    assert.equal(JSON.parse(await logged(path)).path, path);
  }
  assert.doesNotMatch(readFileSync(join(work, "log"), "utf8"), /hush/);
});

test("a line of the log names the client, as a load balancer or a gateway has told it", { skip }, async () => {
  for (const [path, headers, client] of [["/client/direct", {}, "127.0.0.1"], ["/client/behind", { "x-forwarded-for": "203.0.113.7" }, "203.0.113.7"], ["/client/pretends", { "x-forwarded-for": "198.51.100.1, 203.0.113.7, 10.0.0.3" }, "203.0.113.7"]]) {
    await (await get(path, { headers })).text();
    const said = JSON.parse(await logged(path));
    assert.deepEqual([said.client, said.peer], [client, "127.0.0.1"], path);
  }
});

test("one address that asks without end is told to wait, and another is still served", { skip }, async () => {
  const from = (address) => get("/api/jobs", { headers: { "x-forwarded-for": address } });
  const answers = await Promise.all(Array.from({ length: 600 }, () => from("203.0.113.66")));
  const refused = answers.filter((one) => one.status === 429);
  assert.ok(refused.length > 0, "none was refused");
  assert.ok(answers.length - refused.length >= 200, "a page that opens is not refused");
  assert.equal(refused[0].headers.get("retry-after"), "1");
  assert.match(refused[0].headers.get("content-type"), /application\/problem\+json/);
  assert.equal((await refused[0].json()).status, 429);
  assert.equal((await from("203.0.113.67")).status, 200);
  await Promise.all(answers.filter((one) => one !== refused[0]).map((one) => one.text()));
});

test("a client that never ends its request is cut off, and there is room for a thousand streams", () => {
  const said = readFileSync(join(web, "nginx.conf"), "utf8");
  const seconds = (name) => Number(new RegExp(`^\\s*${name} (\\d+)s;`, "m").exec(said)?.[1] ?? 60);
  for (const name of ["client_header_timeout", "client_body_timeout", "send_timeout"]) assert.ok(seconds(name) <= 30, name);
  const most = Number(/worker_connections (\d+);/.exec(said)[1]);
  assert.ok(most >= 4096, "a stream takes two connections, and pages want some");
  assert.ok(Number(/worker_rlimit_nofile (\d+);/.exec(said)[1]) >= 2 * most);
});

test("what the processes tell their cluster stays inside", { skip }, async () => {
  for (const path of ["/metrics", "/ready"]) {
    asked.length = 0;
    const answer = await get(path);
    assert.equal(answer.status, 404, path);
    await answer.text();
    assert.deepEqual(asked, []);
  }
});

test("events come as they are sent", { skip }, async () => {
  const end = new AbortController();
  const answer = await get("/api/events", { signal: end.signal });
  const { value } = await answer.body.getReader().read();
  assert.match(Buffer.from(value).toString(), /event: job/);
  end.abort();
});

test("every location has the security headers, once", { skip }, async () => {
  const paths = ["/", "/jobs", "/assets/app-1a2b.js", "/assets/none.js", "/api/jobs", "/healthz", "/health", "/metrics"];
  for (const [path, options] of [...paths.map((path) => [path]), ["/jobs", { method: "POST" }], ["/scrape", { method: "POST" }]]) {
    const answer = await get(path, options);
    await answer.text();
    for (const [header, value] of [
      ["x-content-type-options", "nosniff"],
      ["x-frame-options", "DENY"],
      ["referrer-policy", "no-referrer"],
      ["cross-origin-opener-policy", "same-origin"],
      ["cross-origin-resource-policy", "same-origin"],
      ["permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"],
      ["content-security-policy", /default-src 'none'.*frame-ancestors 'none'/],
    ]) {
      const is = answer.headers.get(header) ?? "missing";
      if (value instanceof RegExp) assert.match(is, value, `${path} ${header}`);
      else assert.equal(is, value, `${path} ${header}`);
    }
    assert.doesNotMatch(answer.headers.get("server") ?? "", /\d/, "the version is not shown");
  }
});

test("without the API the page stays, and /api/ says in JSON what is wrong", { skip }, async () => {
  await new Promise((resolve) => {
    stub.close(resolve);
    stub.closeAllConnections();
  });
  const answer = await get("/api/jobs");
  assert.equal(answer.status, 503);
  assert.match(answer.headers.get("content-type"), /application\/problem\+json/);
  assert.equal((await answer.json()).status, 503);
  assert.equal((await get("/alerts")).status, 200);
});
