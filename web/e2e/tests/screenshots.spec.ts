import { join } from "node:path";
import { test } from "../fixtures.ts";
import { filled, PLACES, visit } from "../pages.ts";

const FOLDER = process.env.BELLWETHER_SCREENSHOTS ?? "../../target/screenshots";

const LOOKS = [
  { look: "light", colorScheme: "light", width: 1440, height: 900 },
  { look: "dark", colorScheme: "dark", width: 1440, height: 900 },
  { look: "phone-light", colorScheme: "light", width: 390, height: 844 },
  { look: "phone-dark", colorScheme: "dark", width: 390, height: 844 },
] as const;

test.beforeAll(async ({ product }) => {
  await filled(product);
  // something to look at: an alert, and a job that has failed
  await product.tell("jump", { symbol: "TSLA", percent: -12 });
  await product.post("/jobs", { kind: "scrape_batch", args: { symbols: ["TSLA"] } });
  await product.until("an alert", async () => {
    const { items } = await product.get<{ items: unknown[] }>("/api/alerts/TSLA");
    return items.length > 0;
  });
  await product.tell("faults", [{ id: "F06", match: "AMZN" }]);
  const { id } = await product.post<{ id: string }>("/jobs", {
    kind: "scrape_quotes",
    args: { symbol: "AMZN" },
    max_attempts: 1,
  });
  await product.jobIs(id, "discarded");
  await product.clearFaults();
});

for (const { look, colorScheme, width, height } of LOOKS) {
  test.describe(look, () => {
    test.use({
      colorScheme,
      viewport: { width, height },
      contextOptions: { reducedMotion: "reduce" },
    });
    for (const place of PLACES) {
      test(place.name, async ({ page, product }) => {
        await visit(page, product, place);
        await page.screenshot({ path: join(FOLDER, `${place.name}-${look}.png`), fullPage: true });
      });
    }
  });
}
