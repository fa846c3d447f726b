import { any, flag, like, list, map, number, object, quantity, resource, resources, selector, text, word } from "./form.mjs";

const cluster = object({ name: text });
const spread = list(object({ maxSkew: number, topologyKey: text, whenUnsatisfiable: word("DoNotSchedule", "ScheduleAnyway") }, {
  labelSelector: selector,
  matchLabelKeys: list(text),
  minDomains: number,
}));

export const cnpg = {
  ...resource("postgresql.cnpg.io/v1", "Cluster", object({
    instances: { type: "integer", minimum: 1 },
    storage: object({ size: quantity }, { storageClass: text, resizeInUseVolumes: flag }),
  }, {
    description: text,
    imageName: text,
    imagePullPolicy: word("Always", "IfNotPresent", "Never"),
    enableSuperuserAccess: flag,
    enablePDB: flag,
    primaryUpdateStrategy: word("unsupervised", "supervised"),
    primaryUpdateMethod: word("switchover", "restart"),
    startDelay: number,
    stopDelay: number,
    smartShutdownTimeout: number,
    inheritedMetadata: object({}, { labels: map(), annotations: map() }),
    bootstrap: object({
      initdb: object({}, {
        database: text,
        owner: text,
        dataChecksums: flag,
        secret: cluster,
        postInitSQL: list(text),
        postInitApplicationSQL: list(text),
        encoding: text,
        localeCollate: text,
        localeCType: text,
      }),
    }),
    postgresql: object({}, {
      // Values are texts, numbers too.
      parameters: map(),
      pg_hba: list(text),
      shared_preload_libraries: list(text),
      synchronous: object({ method: word("any", "first"), number }, {
        dataDurability: word("required", "preferred"),
        maxStandbyNamesFromCluster: number,
        standbyNamesPre: list(text),
        standbyNamesPost: list(text),
      }),
    }),
    certificates: object({}, {
      serverTLSSecret: text,
      serverCASecret: text,
      clientCASecret: text,
      replicationTLSSecret: text,
      serverAltDNSNames: list(text),
    }),
    managed: object({}, {
      roles: list(object({ name: text }, {
        ensure: word("present", "absent"),
        comment: text,
        login: flag,
        superuser: flag,
        createdb: flag,
        createrole: flag,
        inherit: flag,
        bypassrls: flag,
        replication: flag,
        connectionLimit: number,
        inRoles: list(text),
        passwordSecret: cluster,
        disablePassword: flag,
        validUntil: text,
      })),
    }),
    plugins: list(object({ name: text }, { enabled: flag, isWALArchiver: flag, parameters: map() })),
    resources,
    affinity: object({}, {
      enablePodAntiAffinity: flag,
      podAntiAffinityType: word("preferred", "required"),
      topologyKey: text,
      nodeSelector: map(),
      tolerations: list(any),
    }),
    topologySpreadConstraints: spread,
    superuserSecret: cluster,
  })),
  ...resource("postgresql.cnpg.io/v1", "Pooler", object({
    cluster,
    pgbouncer: object({}, {
      poolMode: word("session", "transaction"),
      // PgBouncer ends at a key that it does not know, so only known ones pass here.
      parameters: {
        type: "object",
        propertyNames: word(
          "max_client_conn", "default_pool_size", "min_pool_size", "reserve_pool_size", "reserve_pool_timeout",
          "max_db_connections", "max_user_connections", "max_prepared_statements", "server_idle_timeout",
          "server_lifetime", "server_reset_query", "query_wait_timeout", "idle_transaction_timeout",
          "ignore_startup_parameters", "log_connections", "log_disconnections", "stats_period",
        ),
        additionalProperties: text,
      },
      paused: flag,
      pg_hba: list(text),
    }),
  }, {
    instances: { type: "integer", minimum: 1 },
    type: word("rw", "ro", "r"),
    deploymentStrategy: any,
    template: object({}, {
      metadata: object({}, { labels: map(), annotations: map() }),
      // `containers` has to stand, if only empty.
      spec: object({ containers: list(object({ name: text }, { resources, image: text, securityContext: any })) }, {
        topologySpreadConstraints: spread,
        affinity: any,
        securityContext: any,
        terminationGracePeriodSeconds: number,
        automountServiceAccountToken: flag,
      }),
    }),
  })),
  ...resource("postgresql.cnpg.io/v1", "ScheduledBackup", object({
    // Six fields: the first are seconds.
    schedule: like("^(\\S+ ){5}\\S+$"),
    cluster,
  }, {
    immediate: flag,
    suspend: flag,
    online: flag,
    backupOwnerReference: word("none", "self", "cluster"),
    method: word("barmanObjectStore", "volumeSnapshot", "plugin"),
    target: word("primary", "prefer-standby"),
    pluginConfiguration: object({ name: text }, { parameters: map() }),
  })),
};
