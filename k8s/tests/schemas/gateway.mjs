import { like, list, map, number, object, resource, text, word } from "./form.mjs";

const port = { type: "integer", minimum: 1, maximum: 65535 };
const hostname = like("^(\\*\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)*$");
const time = like("^([0-9]{1,5}(h|m|s|ms)){1,4}$");
const headers = object({}, { set: list(object({ name: text, value: text })), add: list(object({ name: text, value: text })), remove: list(text) });

export const gateway = {
  ...resource("gateway.networking.k8s.io/v1", "Gateway", object({
    gatewayClassName: text,
    listeners: list(object({ name: text, port, protocol: word("HTTP", "HTTPS", "TLS", "TCP", "UDP") }, {
      hostname,
      tls: object({}, { mode: word("Terminate", "Passthrough"), certificateRefs: list(object({ name: text }, { kind: text, group: text, namespace: text })), options: map() }),
      allowedRoutes: object({}, { namespaces: object({}, { from: word("All", "Selector", "Same") }), kinds: list(object({ kind: text }, { group: text })) }),
    }), 1),
  }, {
    infrastructure: object({}, { labels: map(), annotations: map() }),
    addresses: list(object({ value: text }, { type: text })),
  })),
  ...resource("gateway.networking.k8s.io/v1", "HTTPRoute", object({
    parentRefs: list(object({ name: text }, { kind: text, group: text, namespace: text, sectionName: text, port }), 1),
    rules: list(object({}, {
      name: text,
      matches: list(object({}, {
        path: object({ type: word("Exact", "PathPrefix", "RegularExpression"), value: like("^/") }),
        method: text,
        headers: list(object({ name: text, value: text }, { type: word("Exact", "RegularExpression") })),
      })),
      filters: list(object({ type: word("RequestRedirect", "RequestHeaderModifier", "ResponseHeaderModifier", "URLRewrite") }, {
        requestRedirect: object({}, { scheme: word("http", "https"), hostname, port, statusCode: word(301, 302) }),
        requestHeaderModifier: headers,
        responseHeaderModifier: headers,
      })),
      timeouts: object({}, { request: time, backendRequest: time }),
      backendRefs: list(object({ name: text, port }, { kind: text, group: text, namespace: text, weight: number })),
    }), 1),
  }, { hostnames: list(hostname) })),
};
