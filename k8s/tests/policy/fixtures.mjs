// A manifest that is wrong in one way each, and the rule that has to say so.
const container = (world, kind, name) => world.workloads().find((w) => w.at === `${kind}/${name}`).main[0];
const template = (world, kind, name) => world.workloads().find((w) => w.at === `${kind}/${name}`).spec;
const drop = (world, kind, name) => {
  world.objects = world.objects.filter((o) => !(o.kind === kind && (name === undefined || o.metadata.name === name)));
};
const configured = (world, key) => world.all("ConfigMap").find((one) => key in (one.data ?? {}));

/** [rule, overlay, what is wrong, how to make it so] */
export const FIXTURES = [
  ["unique", "local", "the same Service twice", (w) => w.objects.push(structuredClone(w.need("Service", "api-service")))],
  ["selector", "local", "a template whose labels its selector misses", (w) => { w.need("Deployment", "api").spec.template.metadata.labels["app.kubernetes.io/name"] = "apis"; }],
  ["selector", "local", "a selector that takes everybody's pods", (w) => { w.need("Deployment", "alert").spec.selector = { matchLabels: { "app.kubernetes.io/part-of": "bellwether" } }; }],
  ["service", "local", "a Service that leads to nobody", (w) => { w.need("Service", "scraper-service").spec.selector = { app: "scraper" }; }],
  ["service", "production", "a Service whose port has no such name", (w) => { w.need("Service", "alert-service").spec.ports[0].targetPort = "web"; }],
  ["service", "local", "a StatefulSet without its headless Service", (w) => { delete w.need("Service", "postgres-service").spec.clusterIP; }],
  ["reference", "local", "a ConfigMap that is not there", (w) => { container(w, "Deployment", "api").envFrom[0].configMapRef.name = "settings"; }],
  ["reference", "local", "a key that the ConfigMap lacks", (w) => { delete configured(w, "DATABASE_HOST").data.DATABASE_HOST; }],
  ["reference", "local", "a Secret that is not there", (w) => drop(w, "Secret")],
  ["reference", "production", "an ExternalSecret that makes another Secret", (w) => { w.need("ExternalSecret", "bellwether").spec.target.name = "other"; }],
  ["reference", "production", "a trigger without its authentication", (w) => drop(w, "TriggerAuthentication")],
  ["reference", "production", "a key that the ExternalSecret does not write", (w) => { delete w.need("ExternalSecret", "keda-postgres").spec.target.template.data.password; }],
  ["reference", "local", "a volume that is not there", (w) => { template(w, "Deployment", "frontend").volumes = []; }],
  ["reference", "production", "a route to a port that the Service lacks", (w) => { w.need("HTTPRoute", "bellwether").spec.rules[0].backendRefs[0].port = 8080; }],
  ["account", "local", "a shared account", (w) => { template(w, "Deployment", "alert").serviceAccountName = "api"; }],
  ["account", "local", "no account", (w) => { delete template(w, "CronJob", "scrape-batch").serviceAccountName; }],
  ["account", "local", "a mounted token", (w) => { delete template(w, "Deployment", "api").automountServiceAccountToken; }],
  ["account", "production", "an account that hands out its token", (w) => { delete w.need("ServiceAccount", "scraper").automountServiceAccountToken; }],
  ["account", "local", "a right that nothing needs", (w) => w.objects.push({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "all", namespace: "bellwether" }, rules: [] })],
  ["monitor", "production", "a PodMonitor that takes no pod", (w) => { w.need("PodMonitor", "bellwether").spec.selector = { matchLabels: { app: "bellwether" } }; }],
  ["monitor", "production", "a PodMonitor that asks a port nobody has", (w) => { w.need("PodMonitor", "bellwether").spec.podMetricsEndpoints[0].port = "metrics"; }],

  ["security", "local", "a root file system to write to", (w) => { delete container(w, "Deployment", "frontend").securityContext.readOnlyRootFilesystem; }],
  ["security", "local", "a user without a number", (w) => { delete template(w, "Deployment", "api").securityContext.runAsUser; }],
  ["security", "local", "root", (w) => { container(w, "Deployment", "scraper").securityContext.runAsUser = 0; }],
  ["security", "local", "capabilities that are kept", (w) => { container(w, "StatefulSet", "postgres").securityContext.capabilities.drop = ["NET_RAW"]; }],
  ["security", "local", "privileges that may be gained, in an init container", (w) => { template(w, "Deployment", "api").initContainers[0].securityContext.allowPrivilegeEscalation = true; }],
  ["security", "local", "no seccomp", (w) => { delete template(w, "Job", "migrate").securityContext.seccompProfile; }],
  ["security", "local", "a folder of the host", (w) => { template(w, "Deployment", "api").volumes = [{ name: "host", hostPath: { path: "/" } }]; }],
  ["resources", "local", "an init container without limits", (w) => { delete template(w, "Deployment", "alert").initContainers[0].resources; }],
  ["resources", "production", "a request above its limit", (w) => { container(w, "Deployment", "api").resources.requests.memory = "1Gi"; }],
  ["probe", "local", "a life that hangs on the database", (w) => { container(w, "Deployment", "analyzer").livenessProbe.httpGet.path = "/ready"; }],
  ["probe", "local", "no readiness", (w) => { delete container(w, "Deployment", "scraper").readinessProbe; }],
  ["probe", "local", "a probe at a port that is not there", (w) => { container(w, "Deployment", "alert").livenessProbe.httpGet.port = "metrics"; }],
  ["shutdown", "local", "a pod that is killed within its drain", (w) => { template(w, "Deployment", "analyzer").terminationGracePeriodSeconds = 30; }],
  ["shutdown", "local", "a shell before the binary", (w) => { Object.assign(container(w, "Deployment", "alert"), { command: ["sh", "-c"], args: ["bellwether worker alert"] }); }],
  ["wait", "local", "an API that does not wait for the schema", (w) => { template(w, "Deployment", "api").initContainers[0].args = ["wait"]; }],
  ["wait", "local", "a CronJob that waits for nothing", (w) => { delete template(w, "CronJob", "scrape-batch").initContainers; }],
  ["wait", "local", "a migration that waits for itself", (w) => { template(w, "Job", "migrate").initContainers[0].args = ["wait", "--schema"]; }],
  ["image", "local", "a tag that moves", (w) => { container(w, "Deployment", "api").image = "bellwether:latest"; }],
  ["image", "local", "no tag", (w) => { container(w, "StatefulSet", "postgres").image = "postgres"; }],
  ["image", "production", "a tag where a digest belongs", (w) => { template(w, "Deployment", "api").initContainers[0].image = "ghcr.io/example/bellwether:1.2.3"; }],
  ["image", "production", "an operator's image without a digest", (w) => { w.need("Cluster", "postgres").spec.imageName = "ghcr.io/cloudnative-pg/postgresql:15-bookworm"; }],

  ["scaler", "local", "replicas beside an autoscaler", (w) => { w.need("Deployment", "analyzer").spec.replicas = 2; }],
  ["scaler", "production", "replicas beside a ScaledObject", (w) => { w.need("Deployment", "scraper").spec.replicas = 1; }],
  ["scaler", "production", "an autoscaler beside a ScaledObject", (w) => w.objects.push({ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "other", namespace: "bellwether" }, spec: { minReplicas: 2, maxReplicas: 5, scaleTargetRef: { kind: "Deployment", name: "analyzer" } } })],
  ["scaler", "local", "an autoscaler of nobody", (w) => { w.need("HorizontalPodAutoscaler", "analyzer").spec.scaleTargetRef.name = "analyser"; }],
  ["analyzer", "local", "an older version", (w) => { w.need("HorizontalPodAutoscaler", "analyzer").apiVersion = "autoscaling/v1"; }],
  ["analyzer", "local", "another maximum", (w) => { w.need("HorizontalPodAutoscaler", "analyzer").spec.maxReplicas = 10; }],
  ["analyzer", "local", "another CPU", (w) => { w.need("HorizontalPodAutoscaler", "analyzer").spec.metrics[0].resource.target.averageUtilization = 75; }],
  ["analyzer", "local", "another window", (w) => { w.need("HorizontalPodAutoscaler", "analyzer").spec.behavior.scaleDown.stabilizationWindowSeconds = 60; }],
  ["analyzer", "local", "a policy less", (w) => { w.need("HorizontalPodAutoscaler", "analyzer").spec.behavior.scaleUp.policies.pop(); }],
  ["analyzer", "production", "another pace under KEDA", (w) => { w.need("ScaledObject", "analyzer").spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.policies[0].value = 100; }],
  ["analyzer", "production", "no transfer of the HPA", (w) => { delete w.need("ScaledObject", "analyzer").metadata.annotations; }],
  ["analyzer", "production", "another name of the HPA", (w) => { delete w.need("ScaledObject", "analyzer").spec.advanced.horizontalPodAutoscalerConfig.name; }],
  ["trigger", "production", "a key that KEDA does not read", (w) => {
    const { metadata } = w.need("ScaledObject", "scraper").spec.triggers[0];
    metadata.targetQueryValues = metadata.targetQueryValue;
    delete metadata.targetQueryValue;
  }],
  ["trigger", "production", "a target of nothing", (w) => { w.need("ScaledObject", "alert").spec.triggers[0].metadata.targetQueryValue = "0"; }],
  ["trigger", "production", "a number where KEDA wants a text", (w) => { w.need("ScaledObject", "alert").spec.triggers[0].metadata.targetQueryValue = 40; }],
  ["trigger", "production", "a query that counts parked jobs", (w) => { w.need("ScaledObject", "alert").spec.triggers[0].metadata.query = "select count(*) from queue.ready where parked"; }],
  ["disruption", "local", "two pods without a budget", (w) => drop(w, "PodDisruptionBudget", "frontend")],
  ["disruption", "local", "a budget for one pod", (w) => {
    const pdb = structuredClone(w.need("PodDisruptionBudget", "api"));
    pdb.metadata.name = "scraper";
    pdb.spec.selector.matchLabels = { ...w.need("Deployment", "scraper").spec.selector.matchLabels };
    w.objects.push(pdb);
  }],
  ["disruption", "production", "a budget that lets nobody go", (w) => { w.need("PodDisruptionBudget", "api").spec.maxUnavailable = 0; }],
  ["spread", "local", "no spread", (w) => { delete template(w, "Deployment", "frontend").topologySpreadConstraints; }],
  ["spread", "production", "a spread that counts other pods", (w) => { template(w, "Deployment", "api").topologySpreadConstraints[0].labelSelector = { matchLabels: { "app.kubernetes.io/part-of": "bellwether" } }; }],

  ["port", "local", "another port than the binary's", (w) => { container(w, "Deployment", "scraper").ports[0].containerPort = 5005; }],
  ["port", "local", "a binary that listens elsewhere", (w) => { container(w, "Deployment", "alert").env.push({ name: "BELLWETHER_HTTP_ADDR", value: "0.0.0.0:6000" }); }],
  ["port", "local", "another role", (w) => { container(w, "Deployment", "alert").args = ["worker", "scraper"]; }],
  ["port", "production", "a Service of another name", (w) => { w.need("Service", "analyzer-service").metadata.name = "analyzer"; }],
  ["frontend", "local", "one pod of the frontend", (w) => { w.need("Deployment", "frontend").spec.replicas = 1; }],
  ["frontend", "local", "no load balancer", (w) => { w.need("Service", "frontend-service").spec.type = "NodePort"; }],
  ["frontend", "production", "a load balancer beside the gateway", (w) => { w.need("Service", "frontend-service").spec.type = "LoadBalancer"; }],
  ["postgres", "local", "a smaller volume", (w) => { w.need("StatefulSet", "postgres").spec.volumeClaimTemplates[0].spec.resources.requests.storage = "1Gi"; }],
  ["postgres", "local", "another PostgreSQL", (w) => { container(w, "StatefulSet", "postgres").image = "postgres:17-bookworm"; }],
  ["postgres", "production", "a cluster without a replica", (w) => { w.need("Cluster", "postgres").spec.instances = 1; }],
  ["address", "local", "another host of the database", (w) => { configured(w, "DATABASE_HOST").data.DATABASE_HOST = "postgres"; }],
  ["address", "local", "no address of the database", (w) => { container(w, "Deployment", "alert").env = []; }],
  ["cron", "local", "another schedule", (w) => { w.need("CronJob", "scrape-batch").spec.schedule = "0 * * * *"; }],
  ["cron", "local", "no deadline to start", (w) => { delete w.need("CronJob", "scrape-batch").spec.startingDeadlineSeconds; }],
  ["cron", "production", "runs beside each other", (w) => { w.need("CronJob", "scrape-batch").spec.concurrencyPolicy = "Allow"; }],
  ["cron", "local", "no slot", (w) => { container(w, "CronJob", "scrape-batch").args = ["enqueue", "scrape_batch", "--wait"]; }],
  ["figure", "local", "another size", (w) => { container(w, "Deployment", "analyzer").resources.requests.memory = "128Mi"; }],
  ["namespace", "local", "a namespace that admits anything", (w) => { delete w.all("Namespace")[0].metadata.labels["pod-security.kubernetes.io/enforce"]; }],
  ["namespace", "production", "an object elsewhere", (w) => { w.need("Deployment", "api").metadata.namespace = "default"; }],
  ["secret", "local", "a key in a ConfigMap", (w) => { configured(w, "BELLWETHER_SYMBOLS").data.GEMINI_API_KEY = "AIzaSy"; }],
  ["secret", "local", "a password in a pod's text", (w) => { container(w, "Deployment", "api").env.push({ name: "OTHER", value: "postgres://me:hunter2@db/x" }); }],
  ["secret", "production", "a Secret in production", (w) => w.objects.push({ apiVersion: "v1", kind: "Secret", metadata: { name: "late", namespace: "bellwether" }, data: {} })],

  ["connections", "local", "a pool that does not fit", (w) => { configured(w, "BELLWETHER_DATABASE_CONNECTIONS").data.BELLWETHER_DATABASE_CONNECTIONS = "16"; }],
  ["connections", "production", "poolers that do not fit", (w) => { w.need("Pooler", "postgres-pooler").spec.instances = 6; }],
  ["quota", "production", "a quota that the rollout breaks", (w) => { w.need("ResourceQuota", "bellwether").spec.hard["requests.memory"] = "3Gi"; }],
  ["quota", "production", "a container above the range", (w) => { container(w, "Deployment", "api").resources.limits.memory = "4Gi"; }],

  ["network", "local", "no default that denies", (w) => drop(w, "NetworkPolicy", "default-deny")],
  ["network", "local", "no names", (w) => drop(w, "NetworkPolicy", "dns")],
  ["network", "production", "an API that everybody reaches", (w) => { delete w.need("NetworkPolicy", "api").spec.ingress[0].from; }],
  ["network", "local", "a frontend that reaches the database", (w) => { w.need("NetworkPolicy", "to-postgres").spec.podSelector = {}; w.need("NetworkPolicy", "postgres").spec.ingress[0].from = [{ podSelector: {} }]; }],
  ["network", "production", "providers with the metadata service among them", (w) => { w.need("NetworkPolicy", "to-providers").spec.egress[0].to[0].ipBlock.except = []; }],
  ["network", "production", "nobody to scrape", (w) => drop(w, "NetworkPolicy", "prometheus")],
];
