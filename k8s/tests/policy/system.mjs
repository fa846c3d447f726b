// The system as it is known from outside: names, ports, sizes, the CronJob; and that no secret is written down.
import { subcommand } from "./pods.mjs";
import { databaseHosts, finding, hashless, name, quantity, same } from "./world.mjs";

const PORTS = { api: 3000, scraper: 5000, analyzer: 5001, alert: 5002 };
const MEMORY = {
  frontend: ["64Mi", "128Mi"],
  scraper: ["128Mi", "256Mi"],
  alert: ["128Mi", "256Mi"],
  analyzer: ["256Mi", "512Mi"],
  postgres: ["256Mi", "512Mi"],
};
const SECRETS = /(DATABASE.*_URL|_KEY|_TOKEN|TOKENS|PASSWORD|WEBHOOK_URL|_SID)$/;
const CREDENTIALS = /:\/\/[^/\s:@]+:[^/\s@$]+@/;
// Values that are no secret: the sandbox's keys, and a key that is removed.
const PRETENDED = /^(|sandbox|AC0+)$/;
const secret = (key, value) => !PRETENDED.test(value) && (SECRETS.test(key) || CREDENTIALS.test(value));

const expect = (found, rule, at, what, is, wanted) => {
  if (!same(is, wanted)) found.push(finding(rule, at, `${what} is ${JSON.stringify(is)}, not ${JSON.stringify(wanted)}`));
};

/** One port from the binary to the Service: by its name, its number and the binary's setting. */
export function ports(world) {
  const found = [];
  for (const [who, port] of Object.entries(PORTS)) {
    const one = world.workloads().find((w) => w.at === `Deployment/${who}`);
    if (!one) {
      found.push(finding("port", `Deployment/${who}`, "is missing"));
      continue;
    }
    const container = one.main.find((c) => subcommand(c) === (who === "api" ? "api" : "worker"));
    if (!container) {
      found.push(finding("port", one.at, "does not run its role"));
      continue;
    }
    if (who !== "api" && !(container.args ?? []).includes(who)) found.push(finding("port", one.at, `does not work ${who}`));
    const listens = world.environment(container).BELLWETHER_HTTP_ADDR;
    if (listens && !listens.endsWith(`:${port}`)) found.push(finding("port", one.at, `listens at ${listens}`));
    if (!(container.ports ?? []).some((p) => p.containerPort === port)) found.push(finding("port", one.at, `does not show port ${port}`));
    const service = world.get("Service", `${who}-service`);
    if (!service) found.push(finding("port", `Service/${who}-service`, "is missing"));
    else if (!service.spec.ports.some((p) => p.port === port)) found.push(finding("port", name(service), `has no port ${port}`));
  }
  return found;
}

/** The dashboard's Deployment and its entry point. */
export function frontend(world) {
  const found = [];
  const one = world.get("Deployment", "frontend");
  const service = world.get("Service", "frontend-service");
  if (!one || !service) return [finding("frontend", "Deployment/frontend", "or its Service is missing")];
  expect(found, "frontend", name(one), "the number of pods", one.spec.replicas, 2);
  const port = service.spec.ports.find((p) => p.port === 80);
  if (typeof port?.targetPort !== "string") found.push(finding("frontend", name(service), "port 80 leads to no named port"));
  // A Gateway in front of it takes the load balancer's place.
  const type = world.all("Gateway").length > 0 ? "ClusterIP" : "LoadBalancer";
  expect(found, "frontend", name(service), "its type", service.spec.type ?? "ClusterIP", type);
  return found;
}

/** PostgreSQL 15 as one pod with a volume, or as a cluster of an operator. */
export function postgres(world) {
  const found = [];
  const cluster = world.all("Cluster")[0];
  if (cluster) {
    if (world.get("StatefulSet", "postgres")) found.push(finding("postgres", name(cluster), "stands beside a StatefulSet"));
    if (!(cluster.spec.instances >= 2)) found.push(finding("postgres", name(cluster), "has no replica"));
    if (!/:15[.@:-]|:15$/.test(cluster.spec.imageName ?? "")) found.push(finding("postgres", name(cluster), "is not PostgreSQL 15"));
    return found;
  }
  const one = world.get("StatefulSet", "postgres");
  const service = world.get("Service", "postgres-service");
  if (!one || !service) return [finding("postgres", "StatefulSet/postgres", "or its Service is missing")];
  expect(found, "postgres", name(one), "the number of pods", one.spec.replicas, 1);
  expect(found, "postgres", name(one), "what its next pod waits for", one.spec.podManagementPolicy, "Parallel");
  expect(found, "postgres", name(one), "its Service", one.spec.serviceName, "postgres-service");
  expect(found, "postgres", name(service), "clusterIP", service.spec.clusterIP, "None");
  expect(found, "postgres", name(service), "the port", service.spec.ports?.[0]?.port, 5432);
  const claim = one.spec.volumeClaimTemplates?.[0]?.spec;
  expect(found, "postgres", name(one), "its volume", claim?.resources?.requests?.storage, "2Gi");
  expect(found, "postgres", name(one), "the volume's access", claim?.accessModes, ["ReadWriteOnce"]);
  const image = one.spec.template.spec.containers[0].image;
  if (!/postgres:15\b/.test(image)) found.push(finding("postgres", name(one), `${image} is not PostgreSQL 15`));
  return found;
}

/**
 * Every address of the database names the host that there is. A pooler that keeps a connection for a
 * transaction only loses LISTEN and locks without a word, so the direct address never leads there.
 */
export function addresses(world) {
  const found = [];
  const { statements, direct } = databaseHosts(world);
  const [cluster] = world.all("Cluster");
  const names = cluster?.spec.certificates?.serverAltDNSNames ?? [];
  if (cluster && statements !== `${cluster.metadata.name}-rw` && !names.includes(statements)) {
    found.push(finding("tls", name(cluster), `its certificate does not name ${statements}`));
  }
  for (const one of world.workloads()) {
    for (const container of one.containers.filter((c) => ![undefined, "sandbox"].includes(subcommand(c)))) {
      const environment = world.environment(container);
      for (const [key, host] of [["DATABASE_URL", statements], ["DATABASE_DIRECT_URL", direct]]) {
        const url = environment[key];
        const at = `${one.at} ${container.name}`;
        if (url === undefined) found.push(finding("address", at, `has no ${key}`));
        else if (!new RegExp(`^postgres://[^@]+@${host}:5432/[a-z]+([?]|$)`).test(url)) found.push(finding("address", at, `its ${key} is not at ${host}`));
        else if (cluster) for (const says of verified(one, container, new URL(url).searchParams)) found.push(finding("tls", at, `its ${key} ${says}`));
      }
    }
  }
  return found;
}

// An operator's server is held to the operator's authority, of which a pod has the certificate and not the key.
function verified(one, container, options) {
  const says = [];
  if (options.get("sslmode") !== "verify-full") says.push("does not verify the server");
  const root = options.get("sslrootcert") ?? "";
  const mount = (container.volumeMounts ?? []).find((m) => root.startsWith(`${m.mountPath}/`));
  const volume = (one.spec.volumes ?? []).find((v) => v.name === mount?.name);
  const items = volume?.secret?.items ?? [];
  if (!items.some((item) => `${mount?.mountPath}/${item.path}` === root)) says.push("names an authority that is not mounted");
  if (volume?.secret && (items.length === 0 || items.some((item) => /key/.test(item.key)))) says.push("mounts the key of the authority");
  return says;
}

/** A slow statement is logged without its parameters: addresses, numbers, texts. */
export function logged(world) {
  const found = [];
  const judge = (at, setting) => {
    const slow = setting("log_min_duration_statement");
    if (slow !== undefined && slow !== "-1" && setting("log_parameter_max_length") !== "0") {
      found.push(finding("logged", at, "logs the values of slow statements"));
    }
  };
  for (const one of world.all("Cluster")) judge(name(one), (key) => one.spec.postgresql?.parameters?.[key]);
  for (const one of world.workloads().filter((w) => w.name === "postgres")) {
    const words = one.main.flatMap((c) => c.args ?? []);
    judge(one.at, (key) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1));
  }
  return found;
}

/** The Job that makes the schema, and nothing else than that. */
export function migration(world) {
  const one = world.get("Job", "migrate");
  if (!one) return [finding("migrate", "Job/migrate", "is missing")];
  const found = [];
  const container = one.spec.template.spec.containers[0];
  expect(found, "migrate", name(one), "what it runs", [...(container.command ?? []), ...(container.args ?? [])], ["migrate", "up"]);
  if (!(one.spec.activeDeadlineSeconds > 0)) found.push(finding("migrate", name(one), "may run for ever"));
  return found;
}

/** The CronJob that adds one batch for each half hour, and cannot pile up. */
export function cron(world) {
  const found = [];
  const jobs = world.all("CronJob").filter((one) =>
    one.spec.jobTemplate.spec.template.spec.containers.some((c) => subcommand(c) === "enqueue"),
  );
  if (jobs.length !== 1) return [finding("cron", "CronJob", `${jobs.length} of them enqueue`)];
  const [one] = jobs;
  const at = name(one);
  expect(found, "cron", at, "the schedule", one.spec.schedule, "*/30 * * * *");
  expect(found, "cron", at, "concurrencyPolicy", one.spec.concurrencyPolicy, "Forbid");
  expect(found, "cron", at, "successfulJobsHistoryLimit", one.spec.successfulJobsHistoryLimit, 3);
  expect(found, "cron", at, "failedJobsHistoryLimit", one.spec.failedJobsHistoryLimit, 1);
  expect(found, "cron", at, "startingDeadlineSeconds", one.spec.startingDeadlineSeconds, 300);
  expect(found, "cron", at, "activeDeadlineSeconds", one.spec.jobTemplate.spec.activeDeadlineSeconds, 600);
  const container = one.spec.jobTemplate.spec.template.spec.containers[0];
  const words = [...(container.command ?? []), ...(container.args ?? [])].filter((word) => !/(^|\/)bellwether$/.test(word));
  expect(found, "cron", at, "what it runs", words, ["enqueue", "scrape_batch", "--slot", "30m", "--wait"]);
  return found;
}

/** The memory that the system was measured with. */
export function figures(world) {
  const found = [];
  for (const [who, [request, limit]] of Object.entries(MEMORY)) {
    const one = world.workloads().find((w) => w.long && w.name === who);
    if (!one) continue; // an operator's PostgreSQL has its own size
    const { resources } = one.main[0];
    expect(found, "figure", one.at, "the memory it requests", resources?.requests?.memory, request);
    expect(found, "figure", one.at, "its limit of memory", resources?.limits?.memory, limit);
    if (resources?.limits?.cpu && quantity(resources.limits.cpu) < 2 * quantity(resources.requests?.cpu ?? "0")) {
      found.push(finding("figure", one.at, "may use less than twice the CPU that it requests"));
    }
  }
  return found;
}

/** The namespace admits restricted pods only, and everything is in it. */
export function namespace(world) {
  const found = [];
  const [one] = world.all("Namespace");
  if (!one) return [finding("namespace", "Namespace", "is missing")];
  for (const mode of ["enforce", "warn", "audit"]) {
    const level = one.metadata.labels?.[`pod-security.kubernetes.io/${mode}`];
    expect(found, "namespace", name(one), mode, level, "restricted");
  }
  const free = ["Namespace", "ClusterIssuer", "ClusterSecretStore", "GatewayClass", "PriorityClass"];
  for (const object of world.objects) {
    if (!free.includes(object.kind) && object.metadata.namespace !== one.metadata.name) {
      found.push(finding("namespace", name(object), `is in ${object.metadata.namespace ?? "no namespace"}`));
    }
  }
  return found;
}

// The Secrets that a workload may read, beside the database's password.
const HELD = { api: ["bellwether-api"], scraper: ["bellwether-sources"], analyzer: ["bellwether-models"], alert: ["bellwether-channels"] };
const PASSWORDS = ["bellwether-database", "postgres-app", "postgres-ca"];

/** Each process holds its own secrets and no other's, so that one that is taken over gives away little. */
export function held(world) {
  const found = [];
  for (const one of world.workloads()) {
    const may = [...(HELD[one.name] ?? []), ...(one.name === "frontend" ? [] : PASSWORDS)];
    const reads = one.containers.flatMap((c) => [
      ...(c.envFrom ?? []).map((from) => from.secretRef?.name),
      ...(c.env ?? []).map((variable) => variable.valueFrom?.secretKeyRef?.name),
    ]);
    const mounts = (one.spec.volumes ?? []).map((volume) => volume.secret?.secretName);
    for (const secret of new Set([...reads, ...mounts].filter(Boolean).map(hashless))) {
      if (!may.includes(secret)) found.push(finding("held", one.at, `reads the Secret ${secret}`));
    }
  }
  return found;
}

/** What is generated under a name with a hash carries the label by which a later deployment removes it. */
export function generated(world) {
  return [...world.all("Secret"), ...world.all("ConfigMap")]
    .filter((one) => hashless(one.metadata.name) !== one.metadata.name && one.metadata.labels?.["app.kubernetes.io/managed-by"] !== "just-deploy")
    .map((one) => finding("generated", name(one), "is never removed"));
}

/** No secret is in a ConfigMap or in a pod's text; in production none is rendered at all. */
export function secrets(world) {
  const found = [];
  for (const map of world.all("ConfigMap")) {
    for (const [key, value] of Object.entries(map.data ?? {})) {
      if (secret(key, value)) {
        found.push(finding("secret", name(map), `${key} looks like a secret`));
      }
    }
  }
  for (const one of world.workloads()) {
    for (const container of one.containers) {
      for (const { name: key, value } of container.env ?? []) {
        const composed = /\$\([A-Z_]+\)/.test(value ?? "");
        if (value && !composed && secret(key, value)) {
          found.push(finding("secret", `${one.at} ${container.name}`, `${key} looks like a secret`));
        }
      }
    }
  }
  if (world.overlay === "production") {
    for (const one of world.all("Secret")) found.push(finding("secret", name(one), "is rendered in production"));
  }
  return found;
}
