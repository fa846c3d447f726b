// The operators' objects, read into types made from the operators' own definitions.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { isCore } from "./schemas/index.mjs";
import { OVERLAYS, objects, rendered, stage } from "./tree.mjs";

const root = stage();
const all = OVERLAYS.flatMap((overlay) => objects(rendered(root, overlay)).filter((one) => !isCore(one)));
const one = (kind) => structuredClone(all.find((object) => object.kind === kind));
const read = (list) => spawnSync(process.env.K8S_TYPED, { input: JSON.stringify(list), encoding: "utf8" });

test("every operator's object is one of its kind", () => {
  const { status, stdout, stderr } = read(all);
  assert.equal(status, 0, stderr);
  assert.equal(stdout.trim(), `${all.length} hold`);
});

for (const [kind, what, change] of [
  ["ScaledObject", "no field spec.maxReplicas", (o) => { o.spec.maxReplicas = o.spec.maxReplicaCount; }],
  ["ScaledObject", "no field spec.advanced.horizontalPodAutoscalerConfig.behaviour", (o) => { o.spec.advanced.horizontalPodAutoscalerConfig.behaviour = {}; }],
  ["TriggerAuthentication", "missing field `parameter`", (o) => { delete o.spec.secretTargetRef[0].parameter; }],
  ["Cluster", "missing field `instances`", (o) => { delete o.spec.instances; }],
  ["Cluster", "invalid type: integer `150`, expected a string", (o) => { o.spec.postgresql.parameters.max_connections = 150; }],
  ["Cluster", "unknown variant `most`", (o) => { o.spec.postgresql.synchronous.dataDurability = "most"; }],
  ["Pooler", "no field spec.pgbouncer.mode", (o) => { o.spec.pgbouncer.mode = "transaction"; }],
  ["ScheduledBackup", "unknown variant `barman`", (o) => { o.spec.method = "barman"; }],
  ["PodMonitor", "no field spec.podMetricsEndpoint", (o) => { o.spec.podMetricsEndpoint = []; }],
  ["PrometheusRule", "missing field `expr`", (o) => { delete o.spec.groups[0].rules[0].expr; }],
  ["Gateway", "no field spec.listeners", (o) => { o.spec.listeners[0].tlsMode = "Terminate"; }],
  ["HTTPRoute", "no field spec.rules", (o) => { o.spec.rules[0].backends = []; }],
  ["ExternalSecret", "unknown variant `Vault`", (o) => { o.spec.secretStoreRef.kind = "Vault"; }],
  ["ExternalSecret", "there is no type for", (o) => { o.apiVersion = "external-secrets.io/v1beta1"; }],
]) {
  test(`finds in ${kind}: ${what}`, () => {
    const object = one(kind);
    change(object);
    const { status, stderr } = read([object]);
    assert.equal(status, 1, stderr);
    assert.ok(stderr.includes(what), stderr);
  });
}
