// The alerts, the dashboards and the metrics that both speak of.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { K8S, objects, rendered, stage } from "./tree.mjs";

const root = stage();
export const production = objects(rendered(root, "production"));
const rules = production.filter((one) => one.kind === "PrometheusRule");

/** The groups of every PrometheusRule that is rendered. */
export const groups = rules.flatMap((one) => one.spec.groups);
export const alerts = groups.flatMap((group) => group.rules).filter((rule) => rule.alert);

/** The dashboards that Grafana's sidecar would find, by their file's name. */
export const dashboards = new Map(
  production
    .filter((one) => one.kind === "ConfigMap" && one.metadata.labels?.grafana_dashboard)
    .flatMap((one) => Object.entries(one.data).map(([file, text]) => [file, JSON.parse(text)])),
);
export const panels = [...dashboards].flatMap(([file, { panels }]) =>
  panels.filter((panel) => panel.type !== "row").map((panel) => ({ file, ...panel })),
);

/** An expression of a dashboard with its variables filled in, as Prometheus would get it. */
export const filled = (expr) => expr.replaceAll("$__rate_interval", "5m").replace(/\$[a-z]+\b/g, ".*");

/** The tests of the alerts: files of promtool. */
export const tests = readdirSync(join(K8S, "tests/alerts"))
  .filter((file) => file.endsWith(".yml"))
  .map((file) => ({ file, text: readFileSync(join(K8S, "tests/alerts", file), "utf8") }))
  .map((one) => ({ ...one, ...parse(one.text) }));

/** Names of our metrics that an expression speaks of, without what a histogram's series append. */
export function metrics(expr) {
  return [...expr.matchAll(/\bbellwether_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ""));
}
/** All of them, each with who speaks of it. */
export function spoken() {
  const found = new Map();
  const add = (expr, who) => {
    for (const name of metrics(expr)) found.set(name, [...(found.get(name) ?? []), who]);
  };
  for (const alert of alerts) add(alert.expr, alert.alert);
  for (const panel of panels) for (const target of panel.targets) add(target.expr, `${panel.file}: ${panel.title}`);
  for (const [file, board] of dashboards) for (const variable of board.templating.list) if (variable.definition) add(variable.definition, file);
  return found;
}

/** The table of docs/metrics.md: each name with its type and labels. */
export function documented() {
  const rows = readFileSync(join(K8S, "../docs/metrics.md"), "utf8").split("\n");
  const found = new Map();
  for (const row of rows) {
    const match = /^\| `(bellwether_[a-z_]+)` \| (\w+) \| (\w+) \| ([^|]*)\|/.exec(row);
    if (match) found.set(match[1], { type: match[2], scope: match[3], labels: [...match[4].matchAll(/`([a-z]+)`/g)].map(([, label]) => label) });
  }
  return found;
}

/** Matchers of an expression: each metric with the labels that are asked of it. */
export function matched(expr) {
  return [...expr.matchAll(/\b(bellwether_[a-z_]+)\{([^}]*)\}/g)].map(([, name, text]) => ({
    name: name.replace(/_(bucket|count|sum)$/, ""),
    labels: [...text.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label),
  }));
}

/** The figures of the cluster that an expression would count once for each API: each has to be one of theirs. */
export function doubled(expr, known) {
  const found = [];
  for (const { 0: name, index } of expr.matchAll(/\bbellwether_[a-z_]+/g)) {
    if (known.get(name)?.scope !== "cluster") continue;
    const before = expr.slice(0, index);
    const [, by, labels] = /\b(?:max|min|absent)\s*(?:(by|without)\s*\(([^)]*)\)\s*)?\($/.exec(before) ?? ["", "nothing"];
    const one = by === undefined || (by === "by" && !/\b(instance|pod)\b/.test(labels)) || (by === "without" && /\binstance\b/.test(labels) && /\bpod\b/.test(labels));
    if (!one) found.push(name);
  }
  return found;
}
