import type { Locator, Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import { filled } from "../pages.ts";

const PATIENCE = 60;

/** Presses Tab, as a user without a mouse does, until the focus is there. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let step = 0; step < PATIENCE; step++) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`${target} is not reached within ${PATIENCE} steps`);
}

test.beforeAll(({ product }) => filled(product));

test("the first key leads past the menu", async ({ page }) => {
  await page.goto("/");
  await tabTo(page, page.getByRole("link", { name: "Skip to content" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
});

test("keys open an explanation", async ({ page }) => {
  await page.goto("/");
  await tabTo(page, page.getByRole("button", { name: "Why AAPL" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: /How AAPL’s signal/ })).toBeVisible();
});

test("keys go to the jobs, open one, and add one", async ({ page }) => {
  await page.goto("/");
  await tabTo(page, page.getByRole("navigation", { name: "Pages" }).getByText("Jobs"));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Jobs" })).toBeVisible();

  const enqueue = page.getByRole("button", { name: "Enqueue job" });
  await tabTo(page, enqueue);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await expect(page.getByRole("dialog").locator(":focus")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(enqueue).toBeFocused();

  await tabTo(page, page.locator("tbody th a").first());
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: /^Job \d+/ })).toBeVisible();
});

test("keys check the alerts", async ({ page }) => {
  await page.goto("/alerts");
  await tabTo(page, page.getByRole("button", { name: "Check now" }));
  const checked = page.waitForResponse((response) => response.url().endsWith("/check-alerts"));
  await page.keyboard.press("Enter");
  expect((await checked).status()).toBe(202);
});
