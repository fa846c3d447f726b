// What the operators' objects may say: those fields of their CRDs that we use, and no other. A field
// that is right and not here is an error too: add it from the CRD's own documentation.
import { Ajv } from "ajv";
import { cnpg } from "./cnpg.mjs";
import { gateway } from "./gateway.mjs";
import { keda } from "./keda.mjs";
import { monitoring } from "./monitoring.mjs";
import { secrets } from "./secrets.mjs";

const ajv = new Ajv({ allErrors: true, strict: false });
const known = new Map(
  Object.entries({ ...keda, ...cnpg, ...monitoring, ...gateway, ...secrets }).map(([kind, schema]) => [kind, ajv.compile(schema)]),
);
// Groups of Kubernetes itself, which are checked against its own schemas.
const CORE = /^(v1|(apps|batch|autoscaling|policy)\/v1|autoscaling\/v2|(networking|rbac\.authorization|storage|scheduling)\.k8s\.io\/v1)$/;

/** Whether an object is Kubernetes' own. */
export const isCore = (object) => CORE.test(object.apiVersion);

/** Errors in a custom object, one line each. A kind without a schema here is an error. */
export function misfits(object) {
  const kind = `${object.apiVersion} ${object.kind}`;
  const check = known.get(kind);
  if (!check) return [`${kind}: a kind without a schema`];
  if (check(object)) return [];
  return check.errors.map((error) => {
    const what = error.params.additionalProperty ?? error.params.missingProperty ?? "";
    return `${object.kind}/${object.metadata?.name}${error.instancePath.replaceAll("/", ".")} ${error.message} ${what}`.trim();
  });
}
