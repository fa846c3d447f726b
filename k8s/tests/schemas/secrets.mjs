import { duration, list, map, object, resource, text, word } from "./form.mjs";

const remote = object({ key: text }, {
  property: text,
  version: text,
  conversionStrategy: word("Default", "Unicode"),
  decodingStrategy: word("Auto", "Base64", "Base64URL", "None"),
  metadataPolicy: word("None", "Fetch"),
});

export const secrets = {
  ...resource("external-secrets.io/v1", "ExternalSecret", object({
    secretStoreRef: object({ name: text }, { kind: word("SecretStore", "ClusterSecretStore") }),
  }, {
    refreshInterval: duration,
    refreshPolicy: word("CreatedOnce", "Periodic", "OnChange"),
    target: object({}, {
      name: text,
      creationPolicy: word("Owner", "Orphan", "Merge", "None"),
      deletionPolicy: word("Delete", "Merge", "Retain"),
      template: object({}, {
        type: text,
        engineVersion: word("v2"),
        mergePolicy: word("Replace", "Merge"),
        metadata: object({}, { labels: map(), annotations: map() }),
        data: map(),
      }),
    }),
    data: list(object({ secretKey: text, remoteRef: remote })),
    dataFrom: list(object({ extract: remote })),
  })),
};
