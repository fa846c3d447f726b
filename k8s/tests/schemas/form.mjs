// A short way to write a JSON schema in which whatever is not named is an error.
export const text = { type: "string" };
export const word = (...values) => ({ enum: values });
export const number = { type: "integer" };
export const flag = { type: "boolean" };
export const like = (pattern) => ({ type: "string", pattern });
export const list = (items, least = 0) => ({ type: "array", items, minItems: least });
export const map = (values = text) => ({ type: "object", additionalProperties: values });
export const any = {};

/** `object({ name: text }, { age: number })`: required and optional fields. */
export const object = (needs, may = {}) => ({
  type: "object",
  properties: { ...needs, ...may },
  required: Object.keys(needs),
  additionalProperties: false,
});

/** A whole object of the cluster. */
export const resource = (apiVersion, kind, spec) => ({
  [`${apiVersion} ${kind}`]: object(
    {
      apiVersion: word(apiVersion),
      kind: word(kind),
      metadata: object({ name: like("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$") }, { namespace: text, labels: map(), annotations: map() }),
      spec,
    },
  ),
});

export const duration = like("^([0-9]+(ms|s|m|h|d))+$");
export const quantity = { anyOf: [{ type: "integer" }, like("^[0-9.]+(m|k|M|G|Ki|Mi|Gi|Ti)?$")] };
export const resources = object({}, { requests: map(quantity), limits: map(quantity) });
export const selector = object({}, {
  matchLabels: map(),
  matchExpressions: list(object({ key: text, operator: word("In", "NotIn", "Exists", "DoesNotExist") }, { values: list(text) })),
});
