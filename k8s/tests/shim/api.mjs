// As much of the cluster's API as `kubectl get` asks for: discovery, and lists of what a test puts in.
import { createServer } from "node:http";

const GROUPS = {
  v1: { pods: "Pod", services: "Service", events: "Event", persistentvolumeclaims: "PersistentVolumeClaim", namespaces: "Namespace" },
  "apps/v1": { deployments: "Deployment", statefulsets: "StatefulSet" },
  "batch/v1": { jobs: "Job", cronjobs: "CronJob" },
  "autoscaling/v2": { horizontalpodautoscalers: "HorizontalPodAutoscaler" },
};
const OPERATORS = {
  "postgresql.cnpg.io/v1": { clusters: "Cluster" },
  "external-secrets.io/v1": { externalsecrets: "ExternalSecret" },
  "keda.sh/v1alpha1": { scaledobjects: "ScaledObject" },
};

/** Serves `world`, lists by the plural of their kind; `operators` says whether theirs are known. */
export async function api(world, { minor = "33", operators = false } = {}) {
  const groups = operators ? { ...GROUPS, ...OPERATORS } : GROUPS;
  const answer = (path) => {
    const [at] = path.split("?");
    if (at === "/version") return { major: "1", minor, gitVersion: `v1.${minor}.0` };
    if (at === "/api") return { kind: "APIVersions", versions: ["v1"] };
    if (at === "/apis") {
      const named = Object.keys(groups).filter((one) => one.includes("/")).map((one) => one.split("/"));
      const groupOf = ([name, version]) => ({ name, versions: [{ groupVersion: `${name}/${version}`, version }], preferredVersion: { groupVersion: `${name}/${version}`, version } });
      return { kind: "APIGroupList", apiVersion: "v1", groups: named.map(groupOf) };
    }
    const group = Object.keys(groups).find((one) => at === (one === "v1" ? "/api/v1" : `/apis/${one}`));
    if (group) {
      const resources = Object.entries(groups[group]).map(([name, kind]) => ({ name, singularName: "", kind, namespaced: kind !== "Namespace", verbs: ["get", "list"] }));
      return { kind: "APIResourceList", apiVersion: "v1", groupVersion: group, resources };
    }
    if (/^\/api\/v1\/namespaces\/[^/]+$/.test(at)) return world.gone ? undefined : { kind: "Namespace", apiVersion: "v1", metadata: { name: at.split("/").at(-1), creationTimestamp: world.born ?? "2026-01-01T00:00:00Z" } };
    const [, version, plural] = /^\/apis?\/(.+)\/namespaces\/[^/]+\/([a-z]+)$/.exec(at) ?? [];
    const kind = groups[version]?.[plural];
    if (!kind) return undefined;
    return { kind: `${kind}List`, apiVersion: version, metadata: {}, items: (world[plural] ?? []).map((one) => ({ apiVersion: version, kind, ...one })) };
  };
  const server = createServer((request, response) => {
    const found = answer(request.url);
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404, message: `${request.url} not found` }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}
