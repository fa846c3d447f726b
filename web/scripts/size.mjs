// What a first visit loads before it shows anything, gzipped: the scripts and styles that the
// built index.html names. Fails above the budget.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 150;
const dist = new URL("../dist/", import.meta.url);

const html = await readFile(new URL("index.html", dist), "utf8");
const files = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map(([, file]) => file);
if (files.length === 0) throw new Error("dist/index.html names no script");

let total = 0;
for (const file of files) {
  const kb = gzipSync(await readFile(new URL(file, dist)), { level: 9 }).length / 1024;
  total += kb;
  console.log(`${kb.toFixed(1).padStart(7)} KB  ${file}`);
}
console.log(`${total.toFixed(1).padStart(7)} KB  of ${BUDGET_KB} KB`);
if (total > BUDGET_KB) process.exit(1);
