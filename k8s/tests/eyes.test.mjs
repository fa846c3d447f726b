// Each alert fires and stays silent in a test, has its page, and speaks of metrics that there are.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { alerts, dashboards, documented, doubled, filled, groups, matched, panels, spoken, tests } from "./eyes.mjs";
import { K8S } from "./tree.mjs";

const promtool = process.env.K8S_PROMTOOL;
const amtool = process.env.K8S_AMTOOL;
const without = (tool, name) => (tool ? false : `${name} is not here`);
const work = mkdtempSync(join(tmpdir(), "bellwether-eyes-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
const run = (tool, ...args) => {
  try {
    return execFileSync(tool, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(`${error.stdout}${error.stderr}`);
  }
};

test("there are alerts and dashboards", () => {
  assert.ok(alerts.length >= 20);
  assert.deepEqual([...dashboards.keys()].sort(), ["pipeline.json", "queue.json"]);
});

test("promtool reads every rule, its annotations too", { skip: without(promtool, "promtool") }, () => {
  writeFileSync(join(work, "whole.yml"), stringify({ groups }));
  assert.match(run(promtool, "check", "rules", join(work, "whole.yml")), new RegExp(`${alerts.length} rules found`));
});

test("every expression of a dashboard parses", { skip: without(promtool, "promtool") }, () => {
  const rules = panels.flatMap((panel) => panel.targets.map((target) => ({ record: "a:b", expr: filled(target.expr), labels: { panel: `${panel.file} ${panel.title} ${target.refId}` } })));
  assert.ok(rules.length > 40);
  writeFileSync(join(work, "panels.yml"), stringify({ groups: [{ name: "panels", rules }] }));
  run(promtool, "check", "rules", join(work, "panels.yml"));
});

// Annotations are left to the check above: a test would have to repeat each text.
const bare = groups.map((group) => ({ ...group, rules: group.rules.map(({ annotations, ...rule }) => rule) }));
for (const { file, text } of tests) {
  test(`alerts/${file} holds`, { skip: without(promtool, "promtool") }, () => {
    writeFileSync(join(work, "rules.yml"), stringify({ groups: bare }));
    writeFileSync(join(work, file), text);
    run(promtool, "test", "rules", join(work, file));
  });
}

test("each alert fires in one test and stays silent in another", () => {
  const cases = tests.flatMap((one) => one.tests).flatMap((one) => one.alert_rule_test);
  for (const { alert, annotations } of alerts) {
    const own = cases.filter((one) => one.alertname === alert);
    const fires = own.find((one) => one.exp_alerts?.length > 0);
    assert.ok(fires, `${alert} never fires in a test`);
    assert.ok(own.some((one) => (one.exp_alerts ?? []).length === 0), `${alert} is never silent in a test`);
    for (const [, label] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
      assert.ok(label in fires.exp_alerts[0].exp_labels, `${alert} speaks of ${label}, which it has not`);
    }
  }
  const names = new Set(alerts.map((one) => one.alert));
  for (const one of cases) assert.ok(names.has(one.alertname), `${one.alertname} is tested and is no alert`);
});

test("each alert has a severity and a page, and each page an alert", () => {
  const pages = readdirSync(join(K8S, "../docs/runbooks")).filter((file) => /^Bellwether.*\.md$/.test(file));
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(["page", "ticket"].includes(labels.severity), alert);
    assert.equal(annotations.runbook, `docs/runbooks/${alert}.md`);
    const file = join(K8S, "..", annotations.runbook);
    assert.ok(existsSync(file), `${annotations.runbook} is missing`);
    const text = readFileSync(file, "utf8");
    for (const part of [`# ${alert}`, `severity: ${labels.severity}`, "## What it means", "## What to look at", "## What to do"]) {
      assert.ok(text.includes(part), `${annotations.runbook} lacks ${part}`);
    }
  }
  assert.deepEqual(pages.sort(), alerts.map((one) => `${one.alert}.md`).sort());
});

test("a runbook refers to alerts and dashboards that there are", () => {
  const names = new Set(alerts.map((one) => one.alert));
  const titles = new Set(panels.map((panel) => panel.title));
  for (const alert of names) {
    const text = readFileSync(join(K8S, `../docs/runbooks/${alert}.md`), "utf8");
    for (const [name] of text.matchAll(/\bBellwether[A-Z]\w+/g)) assert.ok(names.has(name), `${alert} refers to ${name}`);
    for (const [, part] of text.matchAll(/\*Bellwether: [^*]+\*, panels? ((?:\*[^*]+\*(?:,? and |, )?)+)/g)) {
      for (const [, title] of part.matchAll(/\*([^*]+)\*/g)) assert.ok(titles.has(title), `${alert} refers to the panel ${title}`);
    }
  }
});

test("rules and dashboards speak of documented metrics and their labels", () => {
  const known = documented();
  assert.ok(known.size > 30, "docs/metrics.md was not understood");
  for (const [name, who] of spoken()) assert.ok(known.has(name), `${name} is not in docs/metrics.md; ${who[0]} wants it`);
  const added = ["pod", "instance", "namespace", "container", "le"];
  const exprs = [...alerts.map((one) => one.expr), ...panels.flatMap((panel) => panel.targets.map((target) => target.expr))];
  for (const expr of exprs) {
    for (const { name, labels } of matched(expr)) {
      for (const label of labels) {
        assert.ok([...known.get(name).labels, ...added].includes(label), `${name} has no label ${label}`);
      }
    }
  }
});

test("a figure of the cluster is counted once, however many APIs tell it", () => {
  const known = documented();
  for (const { alert, expr } of alerts) assert.deepEqual(doubled(expr, known), [], alert);
  for (const panel of panels) for (const { expr } of panel.targets) assert.deepEqual(doubled(expr, known), [], `${panel.file}: ${panel.title}`);
  for (const wrong of [
    "bellwether_queue_paused == 1",
    "sum by (queue) (bellwether_jobs)",
    "sum by (state) (max without (instance) (bellwether_jobs))",
    "max by (queue, pod) (bellwether_queue_paused)",
  ]) assert.equal(doubled(wrong, known).length, 1, wrong);
});

test("the Alertmanager's example sends pages to the operator on call", { skip: without(amtool, "amtool") }, () => {
  const file = join(K8S, "../docs/runbooks/alertmanager.yml");
  run(amtool, "check-config", file);
  const to = (severity) => run(amtool, "config", "routes", "test", `--config.file=${file}`, `severity=${severity}`).trim();
  assert.equal(to("page"), "on-call");
  assert.equal(to("ticket"), "tickets");
});
