#!/usr/bin/env node
// Stands in the place of kubectl: it writes down what it was asked, remembers what was applied, and
// fails where SHIM_FAIL says so. Rendering is left to the real one.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.SHIM_FOLDER;
const args = process.argv.slice(2);
const said = args.filter((word, at) => word !== "-n" && args[at - 1] !== "-n" && !word.startsWith("--timeout")).join(" ");
const state = existsSync(join(folder, "state.json")) ? JSON.parse(readFileSync(join(folder, "state.json"), "utf8")) : {};
const note = (line) => appendFileSync(join(folder, "log"), `${line}\n`);
const keep = () => writeFileSync(join(folder, "state.json"), JSON.stringify(state));

if (args[0] === "kustomize") {
  if (process.env.SHIM_RENDERS) {
    console.error("the real kubectl is this one: K8S_KUBECTL is to be a path");
    process.exit(1);
  }
  const real = spawnSync(process.env.SHIM_KUBECTL, args, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, SHIM_RENDERS: "1" } });
  process.exit(real.status ?? 1);
}
if (said === "config current-context") {
  if (process.env.SHIM_CONTEXT === "") process.exit(1);
  console.log(process.env.SHIM_CONTEXT ?? "kind-bellwether");
  process.exit(0);
}
if (said.startsWith("get --raw /version")) {
  if (process.env.SHIM_VERSION === "away") {
    console.error("The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?");
    process.exit(1);
  }
  console.log(JSON.stringify({ major: "1", minor: process.env.SHIM_VERSION ?? "33" }));
  process.exit(0);
}
// For `load-test.sh`: a stub of the API behind a port that is forwarded, and the analyzers' numbers.
if (said.startsWith("port-forward")) {
  console.log(`Forwarding from 127.0.0.1:${process.env.SHIM_API} -> 3000`);
  setInterval(() => {}, 1 << 30);
  await new Promise(() => {});
}
if (said.startsWith("get deployment analyzer") && process.env.SHIM_ANALYZERS) {
  console.log(process.env.SHIM_ANALYZERS);
  process.exit(0);
}
// What generated objects there are, by the label that `deploy.sh` asks for.
if (said.startsWith("get secrets,configmaps")) {
  const [key, value] = args[args.indexOf("-l") + 1].split("=");
  for (const [name, one] of Object.entries(state)) if (/^(Secret|ConfigMap)\//.test(name) && one.labels?.[key] === value) console.log(name);
  process.exit(0);
}
// The templates of Jobs that are under way, or the rows of Jobs.
if (said.startsWith("get jobs")) {
  if (said.includes("spec.template")) console.log(process.env.SHIM_ACTIVE ? `map[spec:map[envFrom:[map[secretRef:map[name:${process.env.SHIM_ACTIVE}]]]]]` : "");
  else if (process.env.SHIM_MIGRATION) console.log("2026-01-01T00:00:00Z\tmigrate\tmigrate\t\t\t2");
  process.exit(0);
}
if (said.startsWith("get pods") && process.env.SHIM_FAIL?.startsWith("rollout")) {
  console.log("P\tanalyzer-1\tPending\t0/1 nodes are available\t\tReplicaSet\t");
  process.exit(0);
}

if (args[0] === "apply") {
  const { parseAllDocuments } = await import("yaml");
  const documents = parseAllDocuments(readFileSync(args[args.indexOf("-f") + 1], "utf8")).map((one) => one.toJS()).filter(Boolean);
  const names = documents.map((one) => `${one.kind}/${one.metadata.name}`);
  note(`apply ${args.includes("--server-side") ? "--server-side " : ""}${names.join(" ")}`);
  if (process.env.SHIM_FAIL && names.some((name) => name === process.env.SHIM_FAIL)) {
    console.error(`error: ${process.env.SHIM_FAIL} was refused`);
    process.exit(1);
  }
  if (process.env.SHIM_WARN && names.some((name) => name === process.env.SHIM_WARN)) {
    console.error('Warning: would violate PodSecurity "restricted:latest": runAsNonRoot != true');
  }
  for (const [at, one] of documents.entries()) {
    const digest = createHash("sha256").update(JSON.stringify(one)).digest("hex");
    const was = state[names[at]]?.digest;
    console.log(`${names[at]} ${was === undefined ? "created" : was === digest ? "unchanged" : "configured"}`);
    if (was !== digest) note(`changed ${names[at]}`);
    state[names[at]] = { digest, labels: one.metadata.labels };
  }
  keep();
  process.exit(0);
}

// A Deployment that is deleted in the background is gone before its pods are.
if (args[0] === "delete" && args.includes("-f")) {
  const { parseAllDocuments } = await import("yaml");
  const documents = parseAllDocuments(readFileSync(args[args.indexOf("-f") + 1], "utf8")).map((one) => one.toJS()).filter(Boolean);
  const names = documents.map((one) => `${one.kind}/${one.metadata.name}`);
  note(`delete ${names.join(" ")}`);
  if (names.includes(process.env.SHIM_FAIL)) {
    console.error(`error: timed out waiting for the condition on ${process.env.SHIM_FAIL}`);
    process.exit(1);
  }
  if (!args.includes("--cascade=foreground")) state.draining = [...(state.draining ?? []), ...names.filter((name) => name.startsWith("Deployment/"))];
  if (names.includes("StatefulSet/postgres") && state.draining?.length) note(`without a database: ${state.draining.join(" ")}`);
  keep();
  process.exit(0);
}

note(said);
const fails = process.env.SHIM_FAIL && said.includes(process.env.SHIM_FAIL);
if (args.includes("delete")) {
  const job = said.match(/delete (job) (\S+)/);
  if (job && !fails) {
    delete state[`Job/${job[2]}`];
    keep();
  }
  const generated = said.match(/delete ((?:Secret|ConfigMap)\/\S+)/);
  if (generated) {
    delete state[generated[1]];
    keep();
  }
}
if (process.env.SHIM_MIGRATION && said.startsWith("wait") && said.includes("job/migrate")) process.exit(1);
if (process.env.SHIM_MIGRATION && said.startsWith("logs")) console.log("[pod/migrate-x/migrate] error: permission denied for schema public");
// What a migration that failed looks like: it never completes, and its condition says why.
if (fails && said.startsWith("wait") && said.includes("job/migrate")) process.exit(1);
if (said.startsWith("get job migrate") && process.env.SHIM_FAIL?.includes("job/migrate")) {
  process.stdout.write("True");
  process.exit(0);
}
process.exit(fails ? 1 : 0);
