// A changed setting changes the pods that read it, and no others.
import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
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
          assert.ok(readers.length > 0, `no workload reads ${map.name}`);
          assert.deepEqual(moved.sort(), readers.sort());
        } finally {
          writeFileSync(join(root, file), text);
        }
      });
    }
  }
}

const secrets = join(root, "overlays/local/secrets");
for (const [what, name, wanted] of [
  ["password", "database", ["StatefulSet/postgres", "Deployment/api", "Deployment/scraper", "Deployment/analyzer", "Deployment/alert", "Job/migrate", "CronJob/scrape-batch"]],
  ["token", "api", ["Deployment/api"]],
  ["key of a source", "sources", ["Deployment/scraper"]],
  ["key of a model", "models", ["Deployment/analyzer"]],
  ["channel", "channels", ["Deployment/alert"]],
]) {
  test(`local: another ${what} changes the pods that read it, and PostgreSQL only with its own`, () => {
    const file = join(secrets, `${name}.env`);
    const text = readFileSync(file, "utf8");
    const was = templates(render("local"));
    writeFileSync(file, `${text}\nCHANGED=1\n`);
    try {
      const after = templates(render("local"));
      const moved = [...was].filter(([at, template]) => !same(template, after.get(at))).map(([at]) => at);
      assert.deepEqual(moved.sort(), [...wanted].sort());
    } finally {
      writeFileSync(file, text);
    }
  });
}

test("local: beside the sandbox no provider outside is called, whatever the secrets hold", () => {
  const texts = new Map(readdirSync(secrets).map((file) => [join(secrets, file), readFileSync(join(secrets, file), "utf8")]));
  const names = [...texts.values()].flatMap((text) => [...text.matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name));
  assert.ok(names.length > 10, "the examples name the providers' settings");
  for (const [file, text] of texts) writeFileSync(file, text.replace(/^#([A-Z_]+)=.*$/gm, "$1=https://of-ones-own.example"));
  try {
    const world = render("local");
    // The key of a server whose address and model are taken away.
    const unused = ["OPENAI_API_KEY"];
    for (const name of ["api", "scraper", "analyzer", "alert"]) {
      const [container] = world.workloads().find((one) => one.at === `Deployment/${name}`).main;
      const environment = world.environment(container);
      const own = names.filter((key) => environment[key] === "https://of-ones-own.example");
      assert.deepEqual(own, name === "analyzer" ? unused : [], name);
      assert.equal(environment.OPENAI_MODEL, "");
      assert.equal(environment.OPENAI_BASE_URL, "");
    }
  } finally {
    for (const [file, text] of texts) writeFileSync(file, text);
  }
});

test("every variable that our processes are given is one that the binary reads", () => {
  const documented = readFileSync(join(K8S, "../.env.example"), "utf8");
  const known = new Set([...documented.matchAll(/^# ?([A-Z_]+)=/gm)].map(([, name]) => name));
  // Parts of which addresses are made.
  for (const part of ["HOST", "DIRECT_HOST", "NAME", "USER", "PASSWORD", "OPTIONS"]) known.add(`DATABASE_${part}`);
  // The database's own.
  known.add("POSTGRES_PASSWORD");
  const given = new Map();
  for (const file of readdirSync(secrets)) {
    for (const [, name] of readFileSync(join(secrets, file), "utf8").matchAll(/^#?([A-Z_]+)=/gm)) given.set(name, file);
  }
  for (const overlay of OVERLAYS) {
    const world = render(overlay);
    for (const one of world.workloads()) {
      for (const container of one.containers.filter(subcommand)) {
        for (const name of Object.keys(world.environment(container))) given.set(name, `${overlay} ${one.at}`);
      }
    }
  }
  assert.ok(given.size > 20);
  for (const [name, where] of given) assert.ok(known.has(name), `${where}: no process reads ${name}`);
});
