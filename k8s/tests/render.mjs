// Writes what the overlays render into a folder: `render.mjs core|all FOLDER`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { isCore } from "./schemas/index.mjs";
import { OVERLAYS, objects, rendered, stage } from "./tree.mjs";

const [what, folder] = process.argv.slice(2);
const root = stage();
for (const overlay of OVERLAYS) {
  const all = objects(rendered(root, overlay)).filter((one) => what === "all" || isCore(one));
  writeFileSync(join(folder, `${overlay}.yaml`), all.map((one) => stringify(one, { aliasDuplicateObjects: false })).join("---\n"));
}
