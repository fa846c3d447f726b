// What all pods together may take: connections of the database, and what the namespace grants.
import { subcommand } from "./pods.mjs";
import { finding, name, quantity } from "./world.mjs";

const POOL = 16; // BELLWETHER_DATABASE_CONNECTIONS of the binary
const SPARE = 10; // for people, backups and the server itself
// Beside its pool a process listens for wake-ups and, where it works, beats; a command has its pool only.
const BESIDE = { api: 2, worker: 3, enqueue: 0, migrate: 1, wait: 0 };

function setting(world, wanted) {
  for (const one of world.all("Cluster")) {
    const value = one.spec.postgresql?.parameters?.[wanted];
    if (value) return Number(value);
  }
  for (const one of world.workloads().filter((w) => w.name === "postgres")) {
    const words = one.main.flatMap((c) => [...(c.command ?? []), ...(c.args ?? [])]);
    const found = words.map((word) => new RegExp(`^${wanted}=(\\d+)$`).exec(word)).find(Boolean);
    if (found) return Number(found[1]);
    for (const map of world.all("ConfigMap")) {
      const line = Object.values(map.data ?? {}).map((text) => new RegExp(`^\\s*${wanted}\\s*=\\s*'?(\\d+)`, "m").exec(text)).find(Boolean);
      if (line) return Number(line[1]);
    }
  }
  return 100; // PostgreSQL's own
}

/** How many connections there can be at the worst moment, a rollout at full scale, by who opens them. */
export function connections(world) {
  const pooler = world.all("Pooler")[0];
  const users = [];
  for (const one of world.workloads()) {
    const { most } = world.replicas(one);
    const pods = most + world.surge(one, most);
    for (const container of one.main) {
      const runs = subcommand(container);
      if (!(runs in BESIDE)) continue;
      const environment = world.environment(container);
      const pool = Number(environment.BELLWETHER_DATABASE_CONNECTIONS ?? POOL);
      // Through the pooler only what goes directly counts here.
      const pooled = pooler && environment.DATABASE_DIRECT_URL !== undefined;
      users.push({ who: one.at, connections: pods * ((pooled ? 0 : pool) + BESIDE[runs]) });
    }
  }
  for (const one of world.all("ScaledObject")) {
    const asks = (one.spec.triggers ?? []).filter((t) => t.type === "postgresql").length;
    if (asks > 0) users.push({ who: name(one), connections: asks });
  }
  for (const one of world.all("Pooler")) {
    const { parameters = {} } = one.spec.pgbouncer ?? {};
    const size = Number(parameters.max_db_connections ?? parameters.default_pool_size ?? 20);
    users.push({ who: name(one), connections: (one.spec.instances ?? 1) * size });
  }
  for (const one of world.all("Cluster")) {
    users.push({ who: name(one), connections: 2 * (one.spec.instances - 1) + 3 });
  }
  const sum = users.reduce((total, one) => total + one.connections, SPARE);
  return { users, sum, most: setting(world, "max_connections") };
}

export function database(world) {
  const { sum, most } = connections(world);
  return sum < most ? [] : [finding("connections", "PostgreSQL", `${sum} connections may be wanted of ${most}`)];
}

/** What all pods take at full scale, while the largest of the Deployments is rolled out. */
export function demand(world) {
  const sum = { pods: 0, "requests.cpu": 0, "requests.memory": 0, "limits.cpu": 0, "limits.memory": 0 };
  for (const one of world.workloads()) {
    const { most } = world.replicas(one);
    const pods = most + world.surge(one, most);
    sum.pods += pods;
    for (const side of ["requests", "limits"]) {
      for (const resource of ["cpu", "memory"]) {
        const of = (container) => quantity(container.resources?.[side]?.[resource] ?? "0");
        const main = one.main.reduce((total, container) => total + of(container), 0);
        const init = Math.max(0, ...one.init.map(of));
        sum[`${side}.${resource}`] += pods * Math.max(main, init);
      }
    }
  }
  // An operator's pods live in the namespace too.
  for (const one of [...world.all("Cluster"), ...world.all("Pooler")]) {
    const resources = one.spec.resources ?? one.spec.template?.spec?.containers?.find((c) => c.name === "pgbouncer")?.resources;
    sum.pods += one.spec.instances;
    for (const side of ["requests", "limits"]) {
      for (const resource of ["cpu", "memory"]) {
        sum[`${side}.${resource}`] += one.spec.instances * quantity(resources?.[side]?.[resource] ?? "0");
      }
    }
  }
  return sum;
}

/** Everything at full scale, and a rollout on top, fits what the namespace grants. */
export function quota(world) {
  const found = [];
  const sum = demand(world);
  for (const one of world.all("ResourceQuota")) {
    for (const [key, is] of Object.entries(sum)) {
      const most = one.spec.hard?.[key] ?? (key === "requests.cpu" ? one.spec.hard?.cpu : undefined);
      if (most !== undefined && is > quantity(most)) {
        found.push(finding("quota", name(one), `${key}: ${Math.round(is * 1000) / 1000} may be wanted of ${most}`));
      }
    }
  }
  for (const one of world.all("LimitRange")) {
    for (const range of one.spec.limits.filter((limit) => limit.type === "Container")) {
      for (const workload of world.workloads()) {
        for (const container of workload.containers) {
          for (const resource of ["cpu", "memory"]) {
            const at = `${workload.at} ${container.name}`;
            const limit = container.resources?.limits?.[resource];
            const request = container.resources?.requests?.[resource];
            if (limit && range.max?.[resource] && quantity(limit) > quantity(range.max[resource])) {
              found.push(finding("quota", at, `its limit of ${resource} is above ${name(one)}`));
            }
            if (request && range.min?.[resource] && quantity(request) < quantity(range.min[resource])) {
              found.push(finding("quota", at, `it requests less ${resource} than ${name(one)} lets it`));
            }
          }
        }
      }
    }
  }
  return found;
}
