import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "..");

/** The folders of `src` that each folder may import, beside itself. */
const MAY: Record<string, readonly string[]> = {
  app: ["features", "components", "api", "lib"],
  features: ["components", "api", "lib"],
  components: ["api", "lib"],
  api: ["lib"],
  lib: [],
};

/** Every import that a folder may not have. */
function trespasses(): string[] {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /\.tsx?$/.test(file) && !/\.test\.|\.d\.ts$/.test(file))
    .flatMap((file) => {
      const [room = "", feature] = file.split(sep);
      const allowed = MAY[room];
      if (!allowed) return [];
      const text = readFileSync(join(SRC, file), "utf8");
      return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)]
        .map(([, to = ""]) => normalize(join(dirname(file), to)))
        .filter((target) => {
          const [into = "", other] = target.split(sep);
          const own = into === room && (room !== "features" || other === feature);
          return !own && !allowed.includes(into);
        })
        .map((target) => `${file} imports ${target}`);
    });
}

test("features do not know each other, and what is shared knows no feature", () => {
  expect(trespasses()).toEqual([]);
});
