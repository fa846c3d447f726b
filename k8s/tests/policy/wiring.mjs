// What names what: selectors and labels, Services and ports, ConfigMaps, Secrets, accounts.
import { subcommand } from "./pods.mjs";
import { finding, name, same, selects } from "./world.mjs";

/** Each selector selects its own pods and no others. */
export function selectors(world) {
  const found = [];
  const identities = new Set();
  for (const one of world.objects) {
    const identity = `${one.apiVersion.split("/")[0]} ${name(one)} ${one.metadata.namespace ?? ""}`;
    if (identities.has(identity)) found.push(finding("unique", name(one), "stands twice"));
    identities.add(identity);
  }
  for (const one of world.workloads()) {
    const selector = one.object.spec.selector;
    if (!one.long) continue;
    if (!selects(selector, one.labels)) {
      found.push(finding("selector", one.at, "its selector does not take its own pods"));
    }
    for (const other of world.workloads()) {
      if (other !== one && other.at !== one.at && selects(selector, other.labels)) {
        found.push(finding("selector", one.at, `its selector takes the pods of ${other.at} too`));
      }
    }
  }
  return found;
}

/** Each Service leads to one workload, and to a port that its container has. */
export function services(world, { external = [] } = {}) {
  const found = [];
  for (const one of world.all("Service")) {
    if (!one.spec.selector || external.includes(one.metadata.name)) continue;
    const takes = world.workloads().filter((w) => w.long && selects({ matchLabels: one.spec.selector }, w.labels));
    if (takes.length !== 1) {
      const who = takes.map((w) => w.at).join(", ") || "no pod";
      found.push(finding("service", name(one), `leads to ${who} instead of one workload`));
      continue;
    }
    const ports = takes[0].main.flatMap((container) => container.ports ?? []);
    for (const port of one.spec.ports ?? []) {
      const target = port.targetPort ?? port.port;
      const there = ports.some((p) => (typeof target === "string" ? p.name === target : p.containerPort === target));
      if (!there) found.push(finding("service", name(one), `${takes[0].at} has no port ${target}`));
    }
  }
  for (const one of world.all("StatefulSet")) {
    const service = world.get("Service", one.spec.serviceName);
    if (service?.spec.clusterIP !== "None") {
      found.push(finding("service", name(one), `${one.spec.serviceName} is no headless Service`));
    }
  }
  return found;
}

// What operators write, beside what the manifests hold: name of a Secret → its keys, or null for any.
function promised(world) {
  const secrets = new Map();
  for (const one of world.all("Secret")) {
    secrets.set(one.metadata.name, [...Object.keys(one.data ?? {}), ...Object.keys(one.stringData ?? {})]);
  }
  for (const one of world.all("ExternalSecret")) {
    const target = one.spec.target ?? {};
    const keys = one.spec.dataFrom
      ? null
      : [...(one.spec.data ?? []).map((d) => d.secretKey), ...Object.keys(target.template?.data ?? {})];
    secrets.set(target.name ?? one.metadata.name, target.template?.data ? Object.keys(target.template.data) : keys);
  }
  for (const one of world.all("Cluster")) {
    for (const user of ["app", "superuser"]) {
      secrets.set(`${one.metadata.name}-${user}`, ["username", "password", "dbname", "host", "port", "uri", "jdbc-uri", "pgpass", "fqdn-uri", "fqdn-jdbc-uri"]);
    }
    for (const ca of ["ca", "server", "replication"]) secrets.set(`${one.metadata.name}-${ca}`, null);
  }
  for (const one of world.all("Certificate")) secrets.set(one.spec.secretName, ["tls.crt", "tls.key", "ca.crt"]);
  // cert-manager answers a Gateway's annotation with a Secret for each listener.
  for (const one of world.all("Gateway")) {
    const asks = Object.keys(one.metadata.annotations ?? {}).some((key) => /^cert-manager\.io\/(cluster-)?issuer$/.test(key));
    for (const listener of asks ? one.spec.listeners : []) {
      for (const ref of listener.tls?.certificateRefs ?? []) secrets.set(ref.name, ["tls.crt", "tls.key"]);
    }
  }
  return secrets;
}

/** Each ConfigMap and Secret that is named is there, with the key that is asked of it. */
export function references(world) {
  const found = [];
  const secrets = promised(world);
  const maps = new Map(world.all("ConfigMap").map((one) => [one.metadata.name, Object.keys({ ...one.data, ...one.binaryData })]));
  const look = (at, kind, known, ref, key) => {
    if (!ref || ref.optional) return;
    const wanted = ref.name ?? ref.secretName;
    if (!known.has(wanted)) return found.push(finding("reference", at, `there is no ${kind} ${wanted}`));
    const keys = known.get(wanted);
    if (key && keys && !keys.includes(key)) found.push(finding("reference", at, `${kind} ${wanted} has no key ${key}`));
  };
  const map = (at, ref, key) => look(at, "ConfigMap", maps, ref, key);
  const secret = (at, ref, key) => look(at, "Secret", secrets, ref, key);

  for (const one of world.workloads()) {
    for (const container of one.containers) {
      const at = `${one.at} ${container.name}`;
      for (const from of container.envFrom ?? []) {
        map(at, from.configMapRef);
        secret(at, from.secretRef);
      }
      for (const variable of container.env ?? []) {
        map(at, variable.valueFrom?.configMapKeyRef, variable.valueFrom?.configMapKeyRef?.key);
        secret(at, variable.valueFrom?.secretKeyRef, variable.valueFrom?.secretKeyRef?.key);
      }
      for (const mount of container.volumeMounts ?? []) {
        const volumes = [...(one.spec.volumes ?? []), ...(one.object.spec.volumeClaimTemplates ?? []).map((v) => v.metadata)];
        if (!volumes.some((v) => v.name === mount.name)) {
          found.push(finding("reference", at, `there is no volume ${mount.name}`));
        }
      }
    }
    for (const volume of one.spec.volumes ?? []) {
      const items = (source) => (source?.items ?? [{}]).map((item) => item.key);
      for (const key of items(volume.configMap)) map(one.at, volume.configMap, key);
      for (const key of items(volume.secret)) secret(one.at, volume.secret, key);
      for (const source of volume.projected?.sources ?? []) {
        for (const key of items(source.configMap)) map(one.at, source.configMap, key);
        for (const key of items(source.secret)) secret(one.at, source.secret, key);
      }
      const claim = volume.persistentVolumeClaim?.claimName;
      if (claim && !world.get("PersistentVolumeClaim", claim)) {
        found.push(finding("reference", one.at, `there is no claim ${claim}`));
      }
    }
    for (const pull of one.spec.imagePullSecrets ?? []) secret(one.at, pull);
  }
  for (const one of world.all("TriggerAuthentication")) {
    for (const ref of one.spec.secretTargetRef ?? []) secret(name(one), ref, ref.key);
    for (const ref of one.spec.configMapTargetRef ?? []) map(name(one), ref, ref.key);
  }
  for (const one of world.all("ScaledObject")) {
    for (const trigger of one.spec.triggers ?? []) {
      const auth = trigger.authenticationRef?.name;
      if (auth && !world.get("TriggerAuthentication", auth)) {
        found.push(finding("reference", name(one), `there is no TriggerAuthentication ${auth}`));
      }
    }
  }
  for (const one of world.all("Gateway")) {
    for (const listener of one.spec.listeners ?? []) {
      for (const ref of listener.tls?.certificateRefs ?? []) secret(name(one), ref);
    }
  }
  for (const one of world.all("HTTPRoute")) {
    for (const parent of one.spec.parentRefs ?? []) {
      if (!world.get("Gateway", parent.name)) found.push(finding("reference", name(one), `there is no Gateway ${parent.name}`));
    }
    for (const backend of (one.spec.rules ?? []).flatMap((rule) => rule.backendRefs ?? [])) {
      const service = world.get("Service", backend.name);
      if (!service?.spec.ports.some((port) => port.port === backend.port)) {
        found.push(finding("reference", name(one), `there is no Service ${backend.name} with port ${backend.port}`));
      }
    }
  }
  return found;
}

/** An account for each workload, whose token no pod gets; no Roles, since nothing calls the cluster's API. */
export function accounts(world) {
  const found = [];
  const users = new Map();
  for (const one of world.workloads()) {
    const account = one.spec.serviceAccountName;
    if (!account || account === "default") {
      found.push(finding("account", one.at, "has no service account of its own"));
      continue;
    }
    if (users.has(account)) found.push(finding("account", one.at, `shares ${account} with ${users.get(account)}`));
    users.set(account, one.at);
    const object = world.get("ServiceAccount", account);
    if (!object) found.push(finding("account", one.at, `there is no ServiceAccount ${account}`));
    else if (object.automountServiceAccountToken !== false) {
      found.push(finding("account", name(object), "hands out its token"));
    }
    if (one.spec.automountServiceAccountToken !== false) found.push(finding("account", one.at, "mounts a token"));
  }
  for (const kind of ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]) {
    for (const one of world.all(kind)) found.push(finding("account", name(one), "grants rights that nothing needs"));
  }
  return found;
}

/** Every workload with metrics is scraped, and every PodMonitor selects pods that exist, by ports that they have. */
export function monitors(world) {
  const found = [];
  // An alert on a metric that is not scraped never fires.
  for (const one of world.all("PodMonitor").length > 0 ? world.workloads() : []) {
    if (!one.main.some((container) => ["api", "worker"].includes(subcommand(container)))) continue;
    if (!world.all("PodMonitor").some((monitor) => selects(monitor.spec.selector, one.labels))) {
      found.push(finding("monitor", one.at, "is not scraped"));
    }
  }
  for (const one of world.all("PodMonitor")) {
    const takes = world.workloads().filter((w) => selects(one.spec.selector, w.labels));
    const operated = same(one.spec.selector?.matchLabels ?? {}, {}) ? [] : world.all("Cluster").concat(world.all("Pooler"));
    const known = Object.keys(one.spec.selector?.matchLabels ?? {}).some((key) => key.startsWith("cnpg.io/"));
    if (takes.length === 0 && !(known && operated.length > 0)) {
      found.push(finding("monitor", name(one), "takes no pod"));
    }
    for (const target of takes) {
      for (const endpoint of one.spec.podMetricsEndpoints ?? []) {
        const ports = target.main.flatMap((c) => c.ports ?? []);
        if (endpoint.port && !ports.some((port) => port.name === endpoint.port)) {
          found.push(finding("monitor", name(one), `${target.at} has no port ${endpoint.port}`));
        }
      }
    }
  }
  return found;
}
