import { expect, expectNoReload, mark, test } from "../fixtures.ts";
import { filled } from "../pages.ts";

test.beforeAll(({ product }) => filled(product));

test("the pace of the last hour is drawn, and read off by keys", async ({ page }) => {
  await page.goto("/system");
  const pace = page.getByRole("region", { name: "Pace" });
  for (const chart of ["Throughput", "Wait", "Run"]) {
    await expect(pace.getByRole("figure", { name: new RegExp(`^${chart}`) })).toBeVisible();
  }
  await expect(pace.getByRole("row", { name: /^scrape_quotes scraper [1-9]/ })).toBeVisible();
  const moment = pace.getByRole("slider", { name: "Throughput, moment" });
  await moment.focus();
  const last = await moment.getAttribute("aria-valuetext");
  expect(last).toMatch(/^\d\d:\d\d: completed [\d.k]+, failed [\d.k]+$/);
  await page.keyboard.press("ArrowLeft");
  await expect(moment).not.toHaveAttribute("aria-valuetext", last ?? "");
});

test("range and kind live in the address and survive a reload", async ({ page }) => {
  await page.goto("/system");
  const pace = page.getByRole("region", { name: "Pace" });
  await pace.getByRole("link", { name: "6h" }).click();
  await expect(page).toHaveURL("/system?range=6h");
  await pace.getByRole("link", { name: "derive_signal" }).click();
  await expect(page).toHaveURL(/kind=derive_signal/);
  await page.reload();
  await expect(pace).toContainText("kind derive_signal");
  await expect(pace.getByRole("row").filter({ hasText: "scrape_quotes" })).toHaveCount(0);
  await expect(pace.getByRole("link", { name: "6h" })).toHaveAttribute("aria-current", "page");
});

test("a queue's cap is set and lifted, and the audit tells from what to what", async ({
  page,
  product,
}) => {
  await page.goto("/system");
  await mark(page);
  const row = page.getByRole("region", { name: "Queues" }).getByRole("row", { name: /^scraper/ });
  const dialog = page.getByRole("dialog");
  const change = async (cap: string) => {
    await row.getByRole("button", { name: "Change" }).click();
    await dialog.getByLabel("In all together").fill(cap);
    await dialog.getByRole("button", { name: "Change" }).click();
    await expect(dialog).toHaveCount(0);
  };
  await change("7");
  await expect(row).toContainText("at most 7 in all");
  const { items } = await product.get<{ items: { name: string; cap: number | null }[] }>(
    "/api/queues",
  );
  expect(items.find(({ name }) => name === "scraper")?.cap).toBe(7);
  const audit = page.getByRole("region", { name: "Audit" });
  await expect(audit).toContainText("cap: none → 7");
  await change("");
  await expect(row).toContainText("no cap");
  await expectNoReload(page);
});
