import { expect, test } from "../fixtures.ts";
import { waiting } from "../pages.ts";

test.beforeAll(async ({ product }) => {
  await waiting(product, "open", 40);
});

test("a job far down the list opens in sight, and its row stays under the pointer", async ({
  page,
}) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto("/jobs?tag=open");
  const row = page.locator("tbody tr").nth(30);
  await row.scrollIntoViewIfNeeded();
  const before = await row.boundingBox();
  await row.getByRole("link").click();
  const heading = page.getByRole("heading", { name: /^Job \d+$/ });
  await expect(heading).toBeFocused();
  await expect(heading).toBeInViewport();
  await expect(page.getByRole("region", { name: "Attempts" })).toBeAttached();
  const after = await row.boundingBox();
  expect(after?.y).toBeCloseTo(before?.y ?? 0, 0);
  expect(after?.height).toBeCloseTo(before?.height ?? 0, 0);

  await page.keyboard.press("Escape");
  await expect(heading).toHaveCount(0);
  await expect(row.getByRole("link")).toBeFocused();
});

test("on a phone a job is a page, and the way back leads to its row", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/jobs?tag=open");
  const row = page.locator("tbody tr").nth(30);
  await row.scrollIntoViewIfNeeded();
  await row.getByRole("link").click();
  const heading = page.getByRole("heading", { level: 1, name: /^Job \d+$/ });
  await expect(heading).toBeFocused();
  await expect(heading).toBeInViewport();
  await expect(page.locator("tbody tr").first()).toBeHidden();
  await page.getByRole("link", { name: "Back to the list" }).click();
  await expect(row).toBeInViewport();
  await expect(row.getByRole("link")).toBeFocused();
});
