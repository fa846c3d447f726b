// A changed setting is a changed pod: for whoever reads it, and for nobody else.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { hashless, same, World } from "./policy/world.mjs";
import { OVERLAYS, objects, reached, rendered, stage } from "./tree.mjs";

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
