// What an overlay renders, as one thing that can be asked: workloads, their pods, who scales them.

/** A finding: rule, object and fault. */
export const finding = (rule, at, says) => ({ rule, at, says });
export const name = (object) => `${object.kind}/${object.metadata?.name}`;
export const clone = (value) => structuredClone(value);

const TEMPLATE = {
  Deployment: (o) => o.spec.template,
  StatefulSet: (o) => o.spec.template,
  DaemonSet: (o) => o.spec.template,
  Job: (o) => o.spec.template,
  CronJob: (o) => o.spec.jobTemplate.spec.template,
};

export class World {
  constructor(objects, { overlay = "local" } = {}) {
    this.objects = objects;
    this.overlay = overlay;
  }

  /** All objects of a kind. */
  all(kind) {
    return this.objects.filter((one) => one.kind === kind);
  }

  /** The one object of a kind and name, or undefined. */
  get(kind, wanted) {
    return this.all(kind).find((one) => one.metadata.name === wanted);
  }

  /** As `get`, for an object that must exist. */
  need(kind, wanted) {
    const found = this.get(kind, wanted);
    if (!found) throw new Error(`${this.overlay} has no ${kind}/${wanted}`);
    return found;
  }

  /** A generated ConfigMap or Secret by the name that it was generated from. */
  generated(kind, base) {
    return this.all(kind).find((one) => one.metadata.name === base || hashless(one.metadata.name) === base);
  }

  /** What every Secret together holds, decoded. */
  secrets() {
    return Object.assign({}, ...this.all("Secret").map(secretData));
  }

  /** Everything that makes pods: { object, kind, name, template, spec, labels, containers, long }. */
  workloads() {
    return this.objects
      .filter((one) => TEMPLATE[one.kind])
      .map((object) => {
        const template = TEMPLATE[object.kind](object);
        const spec = template.spec;
        return {
          object,
          kind: object.kind,
          name: object.metadata.name,
          at: name(object),
          template,
          spec,
          labels: template.metadata?.labels ?? {},
          main: spec.containers ?? [],
          init: spec.initContainers ?? [],
          containers: [...(spec.initContainers ?? []), ...(spec.containers ?? [])],
          long: object.kind !== "Job" && object.kind !== "CronJob",
        };
      });
  }

  /** Which pods a selector takes. */
  selected(selector) {
    return this.workloads().filter((one) => selects(selector, one.labels));
  }

  /** What scales a workload: an HPA or a ScaledObject, with its bounds. */
  scalers(workload) {
    const aims = (ref) => ref?.name === workload.name && (ref.kind ?? "Deployment") === workload.kind;
    return [
      ...this.all("HorizontalPodAutoscaler")
        .filter((one) => aims(one.spec.scaleTargetRef))
        .map((object) => ({ object, least: object.spec.minReplicas ?? 1, most: object.spec.maxReplicas })),
      ...this.all("ScaledObject")
        .filter((one) => aims(one.spec.scaleTargetRef))
        .map((object) => ({ object, least: object.spec.minReplicaCount ?? 0, most: object.spec.maxReplicaCount ?? 100 })),
    ];
  }

  /** How many pods a workload has at least and at most, without what a rollout adds. */
  replicas(workload) {
    if (!workload.long) return { least: 0, most: workload.object.spec.parallelism ?? 1 };
    const scalers = this.scalers(workload);
    if (scalers.length > 0) {
      return {
        least: Math.min(...scalers.map((one) => one.least)),
        most: Math.max(...scalers.map((one) => one.most)),
      };
    }
    const replicas = workload.object.spec.replicas ?? 1;
    return { least: replicas, most: replicas };
  }

  /** How many pods a rollout may add to `replicas`. */
  surge(workload, replicas) {
    if (workload.kind !== "Deployment") return 0;
    const strategy = workload.object.spec.strategy ?? {};
    if (strategy.type === "Recreate") return 0;
    const surge = strategy.rollingUpdate?.maxSurge ?? "25%";
    return typeof surge === "string" ? Math.ceil((replicas * Number.parseInt(surge, 10)) / 100) : surge;
  }

  /** The environment of a container, as the kubelet would build it; a value it cannot see is null. */
  environment(container) {
    const found = {};
    for (const from of container.envFrom ?? []) {
      const map = from.configMapRef && this.get("ConfigMap", from.configMapRef.name);
      for (const [key, value] of Object.entries(map?.data ?? {})) found[`${from.prefix ?? ""}${key}`] = value;
      const secret = from.secretRef && this.get("Secret", from.secretRef.name);
      for (const [key, value] of Object.entries(secretData(secret))) found[`${from.prefix ?? ""}${key}`] = value;
    }
    for (const one of container.env ?? []) {
      const map = one.valueFrom?.configMapKeyRef;
      const secret = one.valueFrom?.secretKeyRef;
      if (one.value !== undefined) found[one.name] = expand(String(one.value), found);
      else if (map) found[one.name] = this.get("ConfigMap", map.name)?.data?.[map.key] ?? null;
      else if (secret) found[one.name] = secretData(this.get("Secret", secret.name))[secret.key] ?? null;
      else found[one.name] = null;
    }
    return found;
  }
}

// $(NAME) is replaced by a variable that came before; an unknown one stays.
function expand(value, known) {
  return value.replace(/\$\$|\$\(([^)]+)\)/g, (text, key) => {
    if (text === "$$") return "$";
    return known[key] ?? text;
  });
}

/** What a Secret holds, decoded. */
export function secretData(secret) {
  const data = { ...(secret?.stringData ?? {}) };
  for (const [key, value] of Object.entries(secret?.data ?? {})) {
    data[key] = Buffer.from(value, "base64").toString("utf8");
  }
  return data;
}

/** A generated name without its hash. */
export const hashless = (text) => text.replace(/-[2456789bcdfghkmt]{10}$/, "");

/** Whether a LabelSelector takes these labels. An empty selector takes all, none takes nothing. */
export function selects(selector, labels) {
  if (selector === undefined || selector === null) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  for (const one of selector.matchExpressions ?? []) {
    const has = Object.hasOwn(labels, one.key);
    if (one.operator === "Exists" && !has) return false;
    if (one.operator === "DoesNotExist" && has) return false;
    if (one.operator === "In" && !(has && one.values.includes(labels[one.key]))) return false;
    if (one.operator === "NotIn" && has && one.values.includes(labels[one.key])) return false;
  }
  return true;
}

/** A quantity as a number: cores, or bytes. */
export function quantity(text) {
  const match = /^([0-9.]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(text));
  if (!match) throw new Error(`${text} is no quantity`);
  const units = { m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
  return Number(match[1]) * (match[2] ? units[match[2]] : 1);
}

/** Where the database is: for statements, and for what needs a session of its own. */
export function databaseHosts(world) {
  const [cluster] = world.all("Cluster");
  if (!cluster) return { statements: "postgres-0.postgres-service", direct: "postgres-0.postgres-service" };
  const direct = `${cluster.metadata.name}-rw`;
  const pooler = world.all("Pooler").find((one) => one.spec.cluster.name === cluster.metadata.name && one.spec.type === "rw");
  return { statements: pooler?.metadata.name ?? direct, direct };
}

/** Whether two values are the same, whatever the order of their keys. */
export function same(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
