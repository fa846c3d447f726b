import { duration, flag, list, map, number, object, resource, selector, text, word } from "./form.mjs";

const relabelings = list(object({}, {
  action: word("replace", "keep", "drop", "hashmap", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase", "keepequal", "dropequal"),
  sourceLabels: list(text),
  targetLabel: text,
  regex: text,
  replacement: text,
  separator: text,
  modulus: number,
}));

const rule = (needs) => object({ expr: text, ...needs }, { for: duration, keep_firing_for: duration, labels: map(), annotations: map() });

export const monitoring = {
  ...resource("monitoring.coreos.com/v1", "PodMonitor", object({
    selector,
    podMetricsEndpoints: list(object({}, {
      port: text,
      portNumber: number,
      path: text,
      scheme: word("http", "https"),
      interval: duration,
      scrapeTimeout: duration,
      honorLabels: flag,
      honorTimestamps: flag,
      filterRunning: flag,
      relabelings,
      metricRelabelings: relabelings,
    }), 1),
  }, {
    jobLabel: text,
    podTargetLabels: list(text),
    namespaceSelector: object({}, { any: flag, matchNames: list(text) }),
    sampleLimit: number,
    targetLimit: number,
    labelLimit: number,
  })),
  ...resource("monitoring.coreos.com/v1", "PrometheusRule", object({
    groups: list(object({ name: text, rules: list({ anyOf: [rule({ alert: text }), rule({ record: text })] }, 1) }, {
      interval: duration,
      limit: number,
    }), 1),
  })),
};
