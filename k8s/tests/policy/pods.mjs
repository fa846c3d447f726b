// Rules of every pod: its user, capabilities, probes, termination, image.
import { finding, name, quantity } from "./world.mjs";

const GRACE_S = 25; // of `bellwether worker`, where BELLWETHER_GRACE does not say otherwise
const MARGIN_S = 10;

/** The subcommand of our binary that a container runs, or undefined. */
export function subcommand(container) {
  const words = [...(container.command ?? []), ...(container.args ?? [])].filter((word) => !/(^|\/)bellwether$/.test(word));
  return ["api", "worker", "enqueue", "migrate", "wait", "up", "sandbox"].includes(words[0]) ? words[0] : undefined;
}

/** A numeric ordinary user, a root file system that is read only, no capability, seccomp. */
export function security(world) {
  const found = [];
  for (const one of world.workloads()) {
    const pod = one.spec.securityContext ?? {};
    for (const host of ["hostNetwork", "hostPID", "hostIPC"]) {
      if (one.spec[host]) found.push(finding("security", one.at, `${host} is on`));
    }
    for (const volume of one.spec.volumes ?? []) {
      if (volume.hostPath) found.push(finding("security", one.at, `mounts the host's ${volume.hostPath.path}`));
    }
    for (const container of one.containers) {
      const at = `${one.at} ${container.name}`;
      const own = container.securityContext ?? {};
      const of = (key) => own[key] ?? pod[key];
      const bad = (says) => found.push(finding("security", at, says));
      if (of("runAsNonRoot") !== true) bad("may run as root");
      if (!Number.isInteger(of("runAsUser")) || of("runAsUser") === 0) bad("has no numeric ordinary user");
      if (own.readOnlyRootFilesystem !== true) bad("may write its root file system");
      if (own.allowPrivilegeEscalation !== false) bad("may gain privileges");
      if (own.privileged) bad("is privileged");
      if (!own.capabilities?.drop?.includes("ALL")) bad("keeps capabilities");
      if (own.capabilities?.add?.length) bad(`adds capabilities: ${own.capabilities.add}`);
      if (of("seccompProfile")?.type !== "RuntimeDefault") bad("runs without seccomp");
    }
  }
  return found;
}

/** Requests and limits of CPU and memory, of every container. */
export function resources(world) {
  const found = [];
  for (const one of world.workloads()) {
    for (const container of one.containers) {
      for (const resource of ["cpu", "memory"]) {
        const request = container.resources?.requests?.[resource];
        const limit = container.resources?.limits?.[resource];
        const at = `${one.at} ${container.name}`;
        if (request === undefined) found.push(finding("resources", at, `requests no ${resource}`));
        if (limit === undefined) found.push(finding("resources", at, `has no limit of ${resource}`));
        if (request !== undefined && limit !== undefined && quantity(request) > quantity(limit)) {
          found.push(finding("resources", at, `requests more ${resource} than its limit`));
        }
      }
    }
  }
  return found;
}

/** Liveness does not depend on the database: an outage of it restarts no pod. */
export function probes(world) {
  const found = [];
  for (const one of world.workloads().filter((w) => w.long)) {
    for (const container of one.main) {
      const at = `${one.at} ${container.name}`;
      for (const probe of ["readinessProbe", "livenessProbe"]) {
        if (!container[probe]) found.push(finding("probe", at, `has no ${probe}`));
      }
      if (!["api", "worker"].includes(subcommand(container))) continue;
      const path = (probe) => container[probe]?.httpGet?.path;
      if (path("livenessProbe") !== "/health") found.push(finding("probe", at, "is alive by another route than /health"));
      if (path("readinessProbe") !== "/ready") found.push(finding("probe", at, "is ready by another route than /ready"));
      if (!container.startupProbe) found.push(finding("probe", at, "has no startupProbe"));
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        const port = container[probe]?.httpGet?.port;
        const there = (container.ports ?? []).some((p) => p.name === port || p.containerPort === port);
        if (container[probe] && !there) found.push(finding("probe", at, `its ${probe} asks port ${port}`));
      }
      const seconds = (container.livenessProbe?.periodSeconds ?? 10) * (container.livenessProbe?.failureThreshold ?? 3);
      if (seconds < 30) found.push(finding("probe", at, `is restarted after ${seconds} s`));
    }
  }
  return found;
}

/** The pod outlives its drain; a signal reaches the binary, since no shell stands before it. */
export function shutdown(world) {
  const found = [];
  for (const one of world.workloads()) {
    for (const container of one.containers) {
      const at = `${one.at} ${container.name}`;
      const words = [...(container.command ?? []), ...(container.args ?? [])];
      if (/(^|\/)(sh|bash)$/.test(words[0] ?? "") && words.some((word) => word.includes("bellwether "))) {
        found.push(finding("shutdown", at, "a shell stands between the signal and the binary"));
      }
      if (subcommand(container) !== "worker") continue;
      const grace = /^(\d+)s$/.exec(world.environment(container).BELLWETHER_GRACE ?? `${GRACE_S}s`);
      if (!grace) {
        found.push(finding("shutdown", at, "BELLWETHER_GRACE is not in seconds"));
      } else if ((one.spec.terminationGracePeriodSeconds ?? 30) < Number(grace[1]) + MARGIN_S) {
        found.push(finding("shutdown", at, `is killed within ${MARGIN_S} s of its drain of ${grace[1]} s`));
      }
    }
  }
  return found;
}

/** Whatever needs the database waits for it first, and for its schema, except for who makes that. */
export function waits(world) {
  const found = [];
  for (const one of world.workloads()) {
    const runs = one.main.map(subcommand).find((word) => ["api", "worker", "enqueue", "migrate"].includes(word));
    if (!runs) continue;
    const wait = one.init.find((container) => subcommand(container) === "wait");
    if (!wait) found.push(finding("wait", one.at, "does not wait for PostgreSQL"));
    else if ((runs === "migrate") === (wait.args ?? []).includes("--schema")) {
      found.push(finding("wait", one.at, runs === "migrate" ? "waits for the schema that it makes" : "does not wait for the schema"));
    }
  }
  return found;
}

/** No tag that moves; in production a digest. */
export function images(world) {
  const found = [];
  const look = (at, image) => {
    const [, tag, digest] = /^[^@]*?(?::([^:@/]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(image) ?? [];
    if (tag === "latest" || (!tag && !digest)) found.push(finding("image", at, `${image} moves`));
    if (world.overlay === "production" && !digest) found.push(finding("image", at, `${image} has no digest`));
  };
  for (const one of world.workloads()) for (const container of one.containers) look(`${one.at} ${container.name}`, container.image);
  for (const one of world.all("Cluster")) if (one.spec.imageName) look(name(one), one.spec.imageName);
  return found;
}
