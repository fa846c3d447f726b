import { expect, expectNoReload, mark, test } from "../fixtures.ts";
import { filled } from "../pages.ts";

test("a fall of a price becomes an alert on the open page", async ({ page, product }) => {
  await filled(product);
  await page.goto("/alerts");
  await mark(page);
  await expect(page.getByRole("navigation", { name: "Alert states" })).toBeVisible();
  const alert = page.getByRole("listitem").filter({ hasText: "MSFT" });
  const before = await alert.count();

  await product.tell("jump", { symbol: "MSFT", percent: -12 });
  await product.post("/jobs", { kind: "scrape_batch", args: { symbols: ["MSFT"] } });

  await expect(alert).not.toHaveCount(before, { timeout: 60_000 });
  await alert.first().getByText("MSFT").first().click();
  await expect(alert.first().getByText("Fired", { exact: true })).toBeVisible();
  await expectNoReload(page);
});
