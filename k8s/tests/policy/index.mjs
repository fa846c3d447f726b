// Every rule over an overlay's objects.
import * as budget from "./budget.mjs";
import * as pods from "./pods.mjs";
import { network } from "./reach.mjs";
import * as scaling from "./scaling.mjs";
import * as system from "./system.mjs";
import * as wiring from "./wiring.mjs";

const RULES = [
  wiring.selectors, wiring.services, wiring.references, wiring.accounts, wiring.monitors,
  pods.security, pods.resources, pods.probes, pods.shutdown, pods.waits, pods.images,
  scaling.scalers, scaling.analyzer, scaling.triggers, scaling.covered, scaling.rollouts, scaling.disruptions, scaling.spread,
  system.ports, system.frontend, system.postgres, system.addresses, system.migration, system.cron, system.figures,
  system.namespace, system.secrets, system.held, system.generated, system.logged,
  budget.database, budget.quota,
];

/** Everything that is wrong with a world. */
export function judge(world, matrix) {
  return [...RULES.flatMap((rule) => rule(world)), ...network(world, matrix)];
}
