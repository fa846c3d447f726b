import { flag, like, list, map, number, object, resource, text, word } from "./form.mjs";

const rules = object({}, {
  stabilizationWindowSeconds: { type: "integer", minimum: 0, maximum: 3600 },
  selectPolicy: word("Max", "Min", "Disabled"),
  policies: list(object({
    type: word("Percent", "Pods"),
    value: { type: "integer", minimum: 1 },
    periodSeconds: { type: "integer", minimum: 1, maximum: 1800 },
  }), 1),
});

export const keda = {
  ...resource("keda.sh/v1alpha1", "ScaledObject", object({
    scaleTargetRef: object({ name: text }, { apiVersion: text, kind: text, envSourceContainerName: text }),
    triggers: list(object({ type: text, metadata: map() }, {
      name: text,
      metricType: word("AverageValue", "Value", "Utilization"),
      useCachedMetrics: flag,
      authenticationRef: object({ name: text }, { kind: word("TriggerAuthentication", "ClusterTriggerAuthentication") }),
    }), 1),
  }, {
    minReplicaCount: number,
    maxReplicaCount: number,
    idleReplicaCount: number,
    pollingInterval: number,
    cooldownPeriod: number,
    initialCooldownPeriod: number,
    fallback: object({ failureThreshold: number, replicas: number }, {
      behavior: word("static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"),
    }),
    advanced: object({}, {
      restoreToOriginalReplicaCount: flag,
      horizontalPodAutoscalerConfig: object({}, {
        name: like("^[a-z0-9-]+$"),
        behavior: object({}, { scaleUp: rules, scaleDown: rules }),
      }),
    }),
  })),
  ...resource("keda.sh/v1alpha1", "TriggerAuthentication", object({
    secretTargetRef: list(object({ parameter: text, name: text, key: text }), 1),
  })),
};
