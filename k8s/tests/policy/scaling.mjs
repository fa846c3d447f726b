// Who sets the number of pods, within which bounds, and how many may be away at once.
import { subcommand } from "./pods.mjs";
import { databaseHosts, finding, name, same, selects } from "./world.mjs";

/** The bounds and the pace of the analyzer, as the system has always had them. */
export const ANALYZER = {
  least: 2,
  most: 5,
  cpu: 70,
  memory: 80,
  behavior: {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [
        { type: "Percent", value: 100, periodSeconds: 15 },
        { type: "Pods", value: 2, periodSeconds: 15 },
      ],
    },
    scaleDown: {
      stabilizationWindowSeconds: 300,
      policies: [{ type: "Percent", value: 50, periodSeconds: 15 }],
    },
  },
};

// What KEDA's scalers read of a trigger; everything else it ignores without a word.
const TRIGGERS = {
  cpu: { needs: ["value"], knows: ["value", "containerName"] },
  memory: { needs: ["value"], knows: ["value", "containerName"] },
  postgresql: {
    needs: ["query", "targetQueryValue"],
    knows: ["query", "targetQueryValue", "activationTargetQueryValue", "connectionFromEnv", "host", "port", "userName", "dbName", "sslmode", "passwordFromEnv"],
  },
};

// A list of policies has no order, and a missing field has a default.
const plain = (behavior = {}) =>
  Object.fromEntries(
    Object.entries(behavior).map(([way, rules]) => [
      way,
      {
        selectPolicy: "Max",
        ...rules,
        policies: [...(rules.policies ?? [])].sort((a, b) => a.type.localeCompare(b.type)),
      },
    ]),
  );

/** One scaler for each workload, and no number of replicas beside it. */
export function scalers(world) {
  const found = [];
  const names = new Set(world.workloads().map((one) => one.at));
  for (const one of [...world.all("HorizontalPodAutoscaler"), ...world.all("ScaledObject")]) {
    const target = one.spec.scaleTargetRef;
    if (!names.has(`${target.kind ?? "Deployment"}/${target.name}`)) {
      found.push(finding("scaler", name(one), `scales ${target.name}, which is not there`));
    }
  }
  for (const one of world.workloads()) {
    const scalers = world.scalers(one);
    if (scalers.length > 1) {
      found.push(finding("scaler", one.at, `is scaled by ${scalers.map((s) => name(s.object)).join(" and ")}`));
    }
    if (scalers.length > 0 && one.object.spec.replicas !== undefined) {
      found.push(finding("scaler", one.at, "sets replicas, which each deployment would put back"));
    }
    for (const { object, least, most } of scalers) {
      if (least > most) found.push(finding("scaler", name(object), `at least ${least} are more than at most ${most}`));
    }
  }
  return found;
}

/** The analyzer's numbers, field by field, whichever way it is scaled. */
export function analyzer(world) {
  const found = [];
  const one = world.workloads().find((w) => w.at === "Deployment/analyzer");
  const [scaler] = one ? world.scalers(one) : [];
  if (!scaler) return [finding("analyzer", "Deployment/analyzer", "is not scaled")];
  const at = name(scaler.object);
  const expect = (what, is, wanted) => {
    if (!same(is, wanted)) found.push(finding("analyzer", at, `${what} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`));
  };
  expect("the least", scaler.least, ANALYZER.least);
  expect("the most", scaler.most, ANALYZER.most);
  const spec = scaler.object.spec;
  if (scaler.object.kind === "ScaledObject") {
    const hpa = spec.advanced?.horizontalPodAutoscalerConfig;
    expect("the behavior", plain(hpa?.behavior), plain(ANALYZER.behavior));
    expect("the name of its HPA", hpa?.name, "analyzer");
    for (const resource of ["cpu", "memory"]) {
      const trigger = (spec.triggers ?? []).find((t) => t.type === resource);
      expect(`${resource}`, [trigger?.metricType, trigger?.metadata?.value], ["Utilization", String(ANALYZER[resource])]);
    }
    const take = scaler.object.metadata.annotations?.["scaledobject.keda.sh/transfer-hpa-ownership"];
    expect("the annotation that takes the HPA over", take, "true");
  } else {
    expect("the version", scaler.object.apiVersion, "autoscaling/v2");
    expect("the behavior", plain(spec.behavior), plain(ANALYZER.behavior));
    for (const resource of ["cpu", "memory"]) {
      const metric = (spec.metrics ?? []).find((m) => m.resource?.name === resource);
      expect(`${resource}`, metric?.resource?.target, { type: "Utilization", averageUtilization: ANALYZER[resource] });
    }
    expect("the number of metrics", (spec.metrics ?? []).length, 2);
  }
  return found;
}

/** KEDA's triggers: keys that it reads, and a query that is one number. */
export function triggers(world) {
  const found = [];
  for (const one of world.all("ScaledObject")) {
    for (const trigger of one.spec.triggers ?? []) {
      const known = TRIGGERS[trigger.type];
      const at = `${name(one)} ${trigger.type}`;
      if (!known) {
        found.push(finding("trigger", at, "is a trigger without a rule"));
        continue;
      }
      const keys = Object.keys(trigger.metadata ?? {});
      for (const key of keys) if (!known.knows.includes(key)) found.push(finding("trigger", at, `KEDA does not read ${key}`));
      for (const key of known.needs) if (!keys.includes(key)) found.push(finding("trigger", at, `lacks ${key}`));
      for (const [key, value] of Object.entries(trigger.metadata ?? {})) {
        if (typeof value !== "string") found.push(finding("trigger", at, `${key} is no text`));
      }
      if (trigger.type === "postgresql") {
        for (const says of question(world, one, trigger.metadata ?? {})) found.push(finding("trigger", at, says));
        if (!(Number(trigger.metadata?.targetQueryValue) > 0)) found.push(finding("trigger", at, "its target is not above 0"));
        if (!trigger.authenticationRef && !trigger.metadata?.connectionFromEnv) found.push(finding("trigger", at, "has no connection"));
      }
    }
  }
  return found;
}

// What KEDA asks, and of whom: the work that its own target could do now, of the primary itself. A
// pooler would do for one question and not for the prepared ones that KEDA sends.
function question(world, scaled, { query, host, port, dbName, userName, sslmode }) {
  const says = [];
  // It has no setting for an authority, so more than this it cannot do.
  if (world.all("Cluster").length > 0 && sslmode !== "require") says.push(`asks with sslmode ${sslmode}`);
  const queue = scaled.spec.scaleTargetRef?.name;
  if (query !== `select queue.runnable('${queue}')`) says.push(`asks something else than what ${queue} could run now`);
  const { direct } = databaseHosts(world);
  const [namespace] = world.all("Namespace");
  if (host !== `${direct}.${namespace?.metadata.name}.svc.cluster.local`) says.push(`asks ${host}, and the database is at ${direct}`);
  if (port !== "5432") says.push(`asks at port ${port}`);
  const name = world.generated("ConfigMap", "bellwether-database")?.data?.DATABASE_NAME;
  if (dbName !== name) says.push(`asks in the database ${dbName}, not ${name}`);
  const roles = world.all("Cluster").flatMap((one) => one.spec.managed?.roles ?? []);
  if (roles.length > 0 && !roles.some((role) => role.name === userName && role.login && role.ensure !== "absent")) {
    says.push(`asks as ${userName}, a role that no object creates`);
  }
  return says;
}

/** Where KEDA scales, it scales every worker by its work: a role that is forgotten stays at one pod. */
export function covered(world) {
  if (world.all("ScaledObject").length === 0) return [];
  const found = [];
  for (const one of world.workloads().filter((w) => w.main.some((container) => subcommand(container) === "worker"))) {
    const [scaler] = world.scalers(one);
    if (!scaler?.object.spec.triggers?.some((trigger) => trigger.type === "postgresql")) {
      found.push(finding("trigger", one.at, "is not scaled by the work that waits for it"));
    }
  }
  return found;
}

/** A Deployment says how it is rolled out: a default that is left out counts as a change at each apply. */
export function rollouts(world) {
  return world.all("Deployment").filter((one) => !one.spec.strategy?.type).map((one) => finding("rollout", name(one), "does not say its strategy"));
}

/** A disruption budget for each workload of two pods or more, and for no other. */
export function disruptions(world) {
  const found = [];
  for (const one of world.workloads().filter((w) => w.long)) {
    const budgets = world.all("PodDisruptionBudget").filter((pdb) => selects(pdb.spec.selector, one.labels));
    const { least } = world.replicas(one);
    if (least >= 2 && budgets.length !== 1) {
      found.push(finding("disruption", one.at, `has ${budgets.length} disruption budgets`));
    }
    if (least < 2 && budgets.length > 0) {
      found.push(finding("disruption", one.at, "is one pod with a budget, which stops every drain of its node"));
    }
    for (const { spec, ...pdb } of budgets) {
      if (spec.maxUnavailable !== 1) found.push(finding("disruption", name(pdb), "maxUnavailable is not 1"));
      if (spec.unhealthyPodEvictionPolicy !== "AlwaysAllow") {
        found.push(finding("disruption", name(pdb), "pods that are not healthy hold up a drain"));
      }
    }
  }
  for (const pdb of world.all("PodDisruptionBudget")) {
    const operated = Object.keys(pdb.spec.selector?.matchLabels ?? {}).some((key) => key.startsWith("cnpg.io/"));
    if (!operated && !world.workloads().some((w) => w.long && selects(pdb.spec.selector, w.labels))) {
      found.push(finding("disruption", name(pdb), "takes no pod"));
    }
  }
  return found;
}

/** Pods of one Deployment are spread over the nodes. */
export function spread(world) {
  const found = [];
  for (const one of world.workloads().filter((w) => w.kind === "Deployment")) {
    if (world.replicas(one).most < 2) continue;
    const rules = one.spec.topologySpreadConstraints ?? [];
    const own = rules.filter((rule) => rule.topologyKey === "kubernetes.io/hostname");
    if (own.length === 0) found.push(finding("spread", one.at, "is not spread over the nodes"));
    for (const rule of rules) {
      const takes = world.workloads().filter((w) => selects(rule.labelSelector, w.labels));
      if (takes.length !== 1 || takes[0].at !== one.at) {
        found.push(finding("spread", one.at, "its spread counts other pods than its own"));
      }
      if (rule.maxSkew !== 1) found.push(finding("spread", one.at, `its skew may be ${rule.maxSkew}`));
    }
  }
  return found;
}
