// The operators' objects are spelt as their CRDs want them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isCore, misfits } from "./schemas/index.mjs";
import { OVERLAYS, objects, rendered, stage } from "./tree.mjs";

const root = stage();
const all = OVERLAYS.flatMap((overlay) => objects(rendered(root, overlay)).filter((one) => !isCore(one)));
const one = (kind, name) => structuredClone(all.find((o) => o.kind === kind && (!name || o.metadata.name === name)));

test("every operator's object fits its kind", () => {
  assert.ok(all.length > 10, `${all.length} objects`);
  assert.deepEqual(all.flatMap(misfits), []);
});

const WRONG = [
  ["a misspelt field of a ScaledObject", () => { const o = one("ScaledObject", "analyzer"); o.spec.maxReplicas = o.spec.maxReplicaCount; return o; }],
  ["a misspelt pace", () => { const o = one("ScaledObject", "analyzer"); o.spec.advanced.horizontalPodAutoscalerConfig.behaviour = {}; return o; }],
  ["a trigger without metadata", () => { const o = one("ScaledObject", "analyzer"); delete o.spec.triggers[0].metadata; return o; }],
  ["a cluster without instances", () => { const o = one("Cluster"); delete o.spec.instances; return o; }],
  ["a number where CloudNativePG wants a text", () => { const o = one("Cluster"); o.spec.postgresql.parameters.max_connections = 150; return o; }],
  ["a parameter that PgBouncer does not know", () => { const o = one("Pooler"); o.spec.pgbouncer.parameters.pool_size = "20"; return o; }],
  ["a pooler's template without containers", () => { const o = one("Pooler"); delete o.spec.template.spec.containers; return o; }],
  ["a backup with five fields of time", () => { const o = one("ScheduledBackup"); o.spec.schedule = "15 2 * * *"; return o; }],
  ["a misspelt endpoint", () => { const o = one("PodMonitor"); o.spec.podMetricsEndpoint = []; return o; }],
  ["a rule without an expression", () => { const o = one("PrometheusRule"); delete o.spec.groups[0].rules[0].expr; return o; }],
  ["a rule that waits for five of nothing", () => { const o = one("PrometheusRule"); o.spec.groups[0].rules[0].for = "5"; return o; }],
  ["a listener of no protocol", () => { const o = one("Gateway"); o.spec.listeners[0].protocol = "http"; return o; }],
  ["a backend without a port", () => { const o = one("HTTPRoute", "bellwether"); delete o.spec.rules[0].backendRefs[0].port; return o; }],
  ["a store of no kind", () => { const o = one("ExternalSecret"); o.spec.secretStoreRef.kind = "Vault"; return o; }],
  ["an older version", () => { const o = one("ExternalSecret"); o.apiVersion = "external-secrets.io/v1beta1"; return o; }],
  ["a kind without a schema", () => ({ apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "x" }, spec: {} })],
];
for (const [what, make] of WRONG) {
  test(`finds ${what}`, () => assert.notDeepEqual(misfits(make()), []));
}
