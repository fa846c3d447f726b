// Writes the API's types from its committed description; with --check only compares.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const description = new URL("../../crates/api/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);

const types = `// Written by \`npm run api\` from crates/api/openapi.json.\n\n${astToString(await openapiTS(description))}`;

if (process.argv.includes("--check")) {
  const present = await readFile(target, "utf8").catch(() => "");
  if (present !== types) {
    console.error(
      "src/api/schema.d.ts is not what crates/api/openapi.json says: run `npm run api`",
    );
    process.exit(1);
  }
} else {
  await writeFile(target, types);
}
