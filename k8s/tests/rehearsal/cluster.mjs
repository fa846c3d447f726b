// A cluster's part, played by this machine: pods are processes with the arguments and the environment
// of the rendered containers, the Services' names are ports on the loopback.
import { spawn } from "node:child_process";
import { createWriteStream, readFileSync, readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { subcommand } from "../policy/pods.mjs";

/** A free port. */
export const free = () =>
  new Promise((resolve) => {
    const one = createServer().listen(0, "127.0.0.1", () => {
      const { port } = one.address();
      one.close(() => resolve(port));
    });
  });

/** Returns true if a process listens there. */
export const taken = (port) =>
  new Promise((resolve) => {
    const one = connect(port, "127.0.0.1");
    one.once("connect", () => { one.destroy(); resolve(true); });
    one.once("error", () => resolve(false));
  });

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a state, never for a time; gives back what the state is. An error that is `final` ends it. */
export async function within(seconds, what, look) {
  const end = Date.now() + seconds * 1000;
  for (let last; ; ) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      if (error.final) throw error;
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}${last ? `: ${last.message}` : ""}`);
    await pause(100);
  }
}

/** The port of PostgreSQL, which can be closed: open connections are cut, new ones are refused. */
export class Door {
  #server;
  #inside = new Set();
  constructor(to) {
    this.to = to;
  }
  async open(port) {
    this.#server = createServer((socket) => {
      const through = connect(this.to.port, this.to.host);
      for (const [one, other] of [[socket, through], [through, socket]]) {
        this.#inside.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => { this.#inside.delete(one); other.destroy(); });
      }
      socket.pipe(through).pipe(socket);
    });
    await new Promise((resolve, reject) => this.#server.once("error", reject).listen(port ?? this.port ?? 0, "127.0.0.1", resolve));
    this.port = this.#server.address().port;
  }
  async shut() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const one of this.#inside) one.destroy();
    await closed;
  }
}

/** One container of a pod, as a process. */
export class Pod {
  constructor(name, child, log) {
    Object.assign(this, { name, child, log, ended: new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal }))) });
    this.pid = child.pid;
  }
  get alive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
  said() {
    return readFileSync(this.log, "utf8");
  }
  /** How it ended; a process that does not end in time is an error. */
  async end(seconds, signal) {
    if (signal) this.child.kill(signal);
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${this.name} did not end within ${seconds} s`)), seconds * 1000); });
    try {
      return await Promise.race([this.ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }
  get url() {
    return `http://127.0.0.1:${this.port}`;
  }
  async get(path, options) {
    const answer = await fetch(this.url + path, { signal: AbortSignal.timeout(15_000), ...options });
    return { status: answer.status, text: await answer.text() };
  }
}

export class Cluster {
  #pods = [];
  constructor(world, binary, folder) {
    Object.assign(this, { world, binary, folder, names: new Map(), given: new Set(), started: 0 });
  }
  /** Where a name of a Service leads on this machine. */
  serve(name, address) {
    this.names.set(name, address);
  }
  here(text) {
    let out = text;
    for (const [name, address] of this.names) out = out.replaceAll(name, address);
    return out;
  }
  /** A container's environment: exactly what the manifests say, with the names of this machine. */
  environment(container) {
    const found = this.world.environment(container);
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null).map(([key, value]) => [key, this.here(String(value))]));
  }
  /** Starts a container of a workload: its first one, or an init container. */
  start(kind, name, { init = false, env = {}, args } = {}) {
    const workload = this.world.workloads().find((one) => one.at === `${kind}/${name}`);
    const container = init ? workload.init[0] : workload.main[0];
    if (!subcommand(container)) throw new Error(`${kind}/${name} does not run the binary`);
    const log = join(this.folder, `${String(++this.started).padStart(2, "0")}-${name}${init ? "-init" : ""}.log`);
    const sink = createWriteStream(log);
    const child = spawn(this.binary, args ?? container.args, {
      cwd: this.folder,
      env: { PATH: process.env.PATH, ...this.environment(container), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(sink, { end: false });
    child.stderr.pipe(sink, { end: false });
    const pod = new Pod(`${name}#${this.started}`, child, log);
    pod.output = "";
    child.stdout.on("data", (data) => { pod.output += data; });
    this.#pods.push(pod);
    return pod;
  }
  /** A server of a workload. The first of its kind has the port that its container shows. */
  async serveAs(name) {
    const workload = this.world.workloads().find((one) => one.at === `Deployment/${name}`);
    const { containerPort } = workload.main[0].ports.find((one) => one.name === "http");
    const first = !this.given.has(containerPort) && !(await taken(containerPort));
    this.given.add(containerPort);
    const port = first ? containerPort : await free();
    const pod = this.start("Deployment", name, { env: first ? {} : { BELLWETHER_HTTP_ADDR: `127.0.0.1:${port}` } });
    return Object.assign(pod, { port, first, containerPort, kind: name });
  }
  adopt(pod) {
    this.#pods.push(pod);
    return pod;
  }
  async stop() {
    // nginx has workers of its own, which outlive a master that is killed.
    for (const pod of this.#pods.filter((one) => one.alive)) pod.child.kill(pod.name === "frontend" ? "SIGTERM" : "SIGKILL");
    await Promise.all(this.#pods.map((pod) => pod.ended));
  }
  /** The last log lines of every process, to find the cause of a failure. */
  report() {
    for (const file of readdirSync(this.folder).filter((one) => one.endsWith(".log")).sort()) {
      const lines = readFileSync(join(this.folder, file), "utf8").trim().split("\n").slice(-8);
      console.error(`--- ${file}\n${lines.map((line) => line.slice(0, 400)).join("\n")}`);
    }
  }
}
