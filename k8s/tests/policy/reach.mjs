// Who may open a connection to whom, as the network policies say it.
import { isIP } from "node:net";
import { finding, selects } from "./world.mjs";

/** All members of the matrix: our workloads, and those beside them that `beside` describes. */
export function members(world, beside = []) {
  const [namespace] = world.all("Namespace");
  const ours = namespace?.metadata.name ?? "default";
  const inside = world.workloads().map((one) => ({
    name: one.name,
    namespace: ours,
    labels: one.labels,
    ports: one.main.flatMap((container) => container.ports ?? []),
  }));
  const others = beside.map((one) => ({
    ...one,
    namespace: one.ip ? undefined : (one.namespace ?? ours),
    labels: one.labels ?? {},
    ports: one.ports ?? [],
    namespaceLabels: { "kubernetes.io/metadata.name": one.namespace ?? ours, ...one.namespaceLabels },
  }));
  const own = { "kubernetes.io/metadata.name": ours, ...namespace?.metadata.labels };
  return [...inside.map((one) => ({ ...one, namespaceLabels: own })), ...others];
}

/** Whether `from` may reach `to` at a port. Both sides have to let it through. */
export function allowed(world, from, to, port, protocol = "TCP") {
  return side(world, "Egress", from, to, port, protocol) && side(world, "Ingress", to, from, port, protocol);
}

// One side of a connection: policies that take `self` forbid whatever none of them names.
function side(world, direction, self, peer, port, protocol) {
  if (self.ip) return true;
  const key = direction.toLowerCase();
  const policies = world.all("NetworkPolicy").filter((one) => {
    const types = one.spec.policyTypes ?? ["Ingress", ...(one.spec.egress ? ["Egress"] : [])];
    return (one.metadata.namespace ?? self.namespace) === self.namespace && types.includes(direction) && selects(one.spec.podSelector ?? {}, self.labels);
  });
  if (policies.length === 0) return true;
  const target = direction === "Egress" ? peer : self;
  return policies.some((one) =>
    (one.spec[key] ?? []).some((rule) => {
      const peers = rule[direction === "Egress" ? "to" : "from"];
      const toPeer = !peers || peers.length === 0 || peers.some((want) => takes(want, self, peer));
      const toPort = !rule.ports || rule.ports.length === 0 || rule.ports.some((want) => reaches(want, target, port, protocol));
      return toPeer && toPort;
    }),
  );
}

function takes(want, self, peer) {
  if (want.ipBlock) {
    // Pods have addresses too: a block that is wide enough takes them, and ours stand for all.
    const ip = peer.ip ?? "10.244.0.10";
    return within(ip, want.ipBlock.cidr) && !(want.ipBlock.except ?? []).some((block) => within(ip, block));
  }
  if (peer.ip) return false;
  const there = want.namespaceSelector ? selects(want.namespaceSelector, peer.namespaceLabels) : peer.namespace === self.namespace;
  return there && (want.podSelector ? selects(want.podSelector, peer.labels) : true);
}

function reaches(want, target, port, protocol) {
  if ((want.protocol ?? "TCP") !== protocol) return false;
  if (want.port === undefined) return true;
  if (typeof want.port === "string") return target.ports.some((one) => one.name === want.port && one.containerPort === port);
  return port >= want.port && port <= (want.endPort ?? want.port);
}

const bits = (ip) => ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
function within(ip, cidr) {
  const [base, length] = cidr.split("/");
  if (isIP(ip) !== isIP(base)) return false;
  if (isIP(ip) === 6) return length === "0" || ip === base;
  const size = 2 ** (32 - Number(length));
  return Math.floor(bits(ip) / size) === Math.floor(bits(base) / size);
}

/** Compares every pair at every port with the matrix: what it does not name has to be closed. */
export function network(world, matrix) {
  const found = [];
  const beside = matrix.beside.filter((one) => !one.overlays || one.overlays.includes(world.overlay));
  const outside = new Set(beside.map((one) => one.name));
  const all = members(world, beside);
  const names = new Set(all.map((one) => one.name));
  const open = new Set();
  const ports = new Set(matrix.closed_ports.map((port) => `${port}/TCP`));
  for (const edges of [matrix.open, matrix.overlays[world.overlay] ?? {}]) {
    for (const [from, targets] of Object.entries(edges)) {
      for (const edge of targets) {
        const [, to, port, protocol = "TCP"] = /^([a-z-]+):(\d+)(?:\/(UDP|TCP))?$/.exec(edge) ?? [];
        if (!to) throw new Error(`${edge} is not of the form who:port`);
        if (names.has(from) && names.has(to)) open.add(`${from} ${to}:${port}/${protocol}`);
        ports.add(`${port}/${protocol}`);
      }
    }
  }
  for (const from of all) {
    for (const to of all) {
      // What others do among themselves is not for us to say.
      if (from === to || (outside.has(from.name) && outside.has(to.name) && !ourOwn(to))) continue;
      for (const one of ports) {
        const [port, protocol] = one.split("/");
        const is = allowed(world, from, to, Number(port), protocol);
        if (is !== open.has(`${from.name} ${to.name}:${one}`)) {
          found.push(finding("network", from.name, `${is ? "may" : "cannot"} reach ${to.name}:${one}`));
        }
      }
    }
  }
  return found;

  function ourOwn(one) {
    return !one.ip && one.namespace === world.all("Namespace")[0]?.metadata.name;
  }
}
