import { test as base, expect, type Page } from "@playwright/test";
import { Product } from "./product.ts";

export { expect };

/** The running product, and a page that complains about nothing. */
export const test = base.extend<
  { quiet: undefined /** Complaints that the test causes itself. */; caused: RegExp | null },
  { product: Product }
>({
  caused: [null, { option: true }],
  product: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const product = await Product.start();
      await use(product);
      await product.stop();
    },
    { scope: "worker", timeout: 150_000 },
  ],
  baseURL: async ({ product }, use) => use(product.url),
  quiet: [
    async ({ page, caused }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      await use(undefined);
      const unexpected = complaints.filter((text) => !caused?.test(text));
      expect(unexpected, "complaints of the page").toEqual([]);
    },
    { auto: true },
  ],
});

/** Marks the document; a reload would lose the mark. */
export async function mark(page: Page): Promise<void> {
  await page.evaluate(() => document.documentElement.setAttribute("data-mark", ""));
}

export async function expectNoReload(page: Page): Promise<void> {
  await expect(page.locator("html")).toHaveAttribute("data-mark", "");
}
