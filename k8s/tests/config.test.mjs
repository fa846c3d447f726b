// A changed setting is a changed pod: for whoever reads it, and for nobody else.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { subcommand } from "./policy/pods.mjs";
import { hashless, same, World } from "./policy/world.mjs";
import { K8S, OVERLAYS, objects, reached, rendered, stage } from "./tree.mjs";

const root = stage();
const render = (overlay) => new World(objects(rendered(root, overlay)), { overlay });
const templates = (world) => new Map(world.workloads().map((one) => [one.at, one.template]));
const REFERENCES = {
  ConfigMap: /"(?:configMapRef|configMapKeyRef|configMap)":\{[^{}]*"name":"([^"]+)"/g,
  Secret: /"(?:secretRef|secretKeyRef)":\{[^{}]*"name":"([^"]+)"/g,
};
const reads = (template, kind, base) =>
  [...JSON.stringify(template).matchAll(REFERENCES[kind])].some(([, name]) => hashless(name) === base);

for (const overlay of OVERLAYS) {
  const before = render(overlay);
  const tried = new Set();
  for (const file of reached(root, join("overlays", overlay))) {
    if (!/kustomization\.ya?ml$/.test(file)) continue;
    const text = readFileSync(join(root, file), "utf8");
    const it = parse(text);
    for (const [at, map] of (it.configMapGenerator ?? []).entries()) {
      if (!map.literals || tried.has(map.name)) continue;
      tried.add(map.name);
      test(`${overlay}: a literal of ${map.name} changes the pods that read it`, () => {
        const changed = structuredClone(it);
        changed.configMapGenerator[at].literals.push("CHANGED=1");
        writeFileSync(join(root, file), stringify(changed));
        try {
          const after = templates(render(overlay));
          const was = templates(before);
          const readers = [...was].filter(([, template]) => reads(template, "ConfigMap", map.name)).map(([name]) => name);
          const moved = [...was].filter(([name, template]) => !same(template, after.get(name))).map(([name]) => name);
          assert.ok(readers.length > 0, `nobody reads ${map.name}`);
          assert.deepEqual(moved.sort(), readers.sort());
        } finally {
          writeFileSync(join(root, file), text);
        }
      });
    }
  }
}

test("local: another password changes the pods that read it", () => {
  const file = join(root, "overlays/local/secrets.env");
  const text = readFileSync(file, "utf8");
  const was = templates(render("local"));
  writeFileSync(file, text.replace(/^POSTGRES_PASSWORD=.*$/m, "POSTGRES_PASSWORD=another"));
  try {
    const after = templates(render("local"));
    for (const [name, template] of was) {
      assert.equal(same(template, after.get(name)), !reads(template, "Secret", "bellwether"), name);
    }
  } finally {
    writeFileSync(file, text);
  }
});

test("local: beside the sandbox nobody outside is called, whatever secrets.env holds", () => {
  const file = join(root, "overlays/local/secrets.env");
  const text = readFileSync(file, "utf8");
  const names = [...text.matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name);
  assert.ok(names.length > 10, "the example names the providers' settings");
  writeFileSync(file, text.replace(/^#([A-Z_]+)=.*$/gm, "$1=https://of-ones-own.example"));
  try {
    const world = render("local");
    // Without a model nobody asks this server.
    const unused = ["OPENAI_BASE_URL", "OPENAI_API_KEY"];
    for (const name of ["api", "scraper", "analyzer", "alert"]) {
      const [container] = world.workloads().find((one) => one.at === `Deployment/${name}`).main;
      const environment = world.environment(container);
      const own = names.filter((key) => environment[key] === "https://of-ones-own.example");
      assert.deepEqual(own.sort(), [...unused].sort(), name);
      assert.equal(environment.OPENAI_MODEL, "");
    }
  } finally {
    writeFileSync(file, text);
  }
});

test("every variable that our processes are given is one that the binary reads", () => {
  const documented = readFileSync(join(K8S, "../.env.example"), "utf8");
  const known = new Set([...documented.matchAll(/^# ?([A-Z_]+)=/gm)].map(([, name]) => name));
  // Parts of which addresses are made.
  for (const part of ["HOST", "DIRECT_HOST", "NAME", "USER", "PASSWORD"]) known.add(`DATABASE_${part}`);
  // The database's own, in the one Secret of the overlay local.
  known.add("POSTGRES_PASSWORD");
  const example = readFileSync(join(K8S, "overlays/local/secrets.env.example"), "utf8");
  const given = new Map([...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => [name, "secrets.env.example"]));
  for (const overlay of OVERLAYS) {
    const world = render(overlay);
    for (const one of world.workloads()) {
      for (const container of one.containers.filter(subcommand)) {
        for (const name of Object.keys(world.environment(container))) given.set(name, `${overlay} ${one.at}`);
      }
    }
  }
  assert.ok(given.size > 20);
  for (const [name, where] of given) assert.ok(known.has(name), `${where}: nobody reads ${name}`);
});
