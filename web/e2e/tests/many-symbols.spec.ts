import { test as base, expect, type Page } from "@playwright/test";
import { Product } from "../product.ts";

const SYMBOLS = [
  "AAPL MSFT GOOGL AMZN TSLA NVDA META NFLX AMD INTC ORCL CRM ADBE CSCO IBM QCOM TXN AVGO MU AMAT",
  "JPM BAC WFC GS MS C V MA AXP BLK JNJ PFE MRK ABBV LLY UNH KO PEP WMT COST",
]
  .join(" ")
  .split(" ");
const TOKEN = "a-token-for-tests-of-the-pages";

/** A product that wants a token and watches forty symbols. */
const test = base.extend<object, { guarded: Product }>({
  guarded: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern
    async ({}, use) => {
      const product = await Product.start({
        BELLWETHER_SYMBOLS: SYMBOLS.join(","),
        BELLWETHER_API_TOKENS: `viewer:${TOKEN}`,
      });
      await product.until("rest", async () => {
        const { items } = await product.get<{ items: { depth: Record<string, number> }[] }>(
          "/api/queues",
        );
        return items.every(({ depth }) => !depth.available && !depth.running);
      });
      await use(product);
      await product.stop();
    },
    { scope: "worker", timeout: 150_000 },
  ],
  baseURL: async ({ guarded }, use) => use(guarded.url),
});

async function signIn(page: Page): Promise<void> {
  await page.goto("/");
  await page.getByRole("textbox", { name: "Token" }).fill(TOKEN);
  await page.getByRole("button", { name: "Use token" }).click();
  await expect(page.getByRole("button", { name: /^Live: / })).toBeVisible();
}

test("a first visit asks at most ten times, however long the watchlist", async ({ page }) => {
  await signIn(page);
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (/^\/(api|health)/.test(pathname)) asked.push(pathname);
  });
  await page.reload();
  await expect(page.getByRole("row")).toHaveCount(SYMBOLS.length + 1);
  await expect(page.getByRole("button", { name: /^Live: / })).toBeVisible();
  expect(asked.length, asked.join(" ")).toBeLessThanOrEqual(10);
  expect(asked).toContain("/api/events");
});

test("the token is in a header and in no address", async ({ page }) => {
  const urls: string[] = [];
  page.on("request", (request) => urls.push(request.url()));
  const stream = page.waitForRequest(
    (request) => request.url().includes("/api/events") && "authorization" in request.headers(),
    { timeout: 30_000 },
  );
  await signIn(page);
  expect((await stream).headers().authorization).toBe(`Bearer ${TOKEN}`);
  expect(urls.filter((url) => url.includes(TOKEN) || url.includes("access_token"))).toEqual([]);
});

test("signing out empties the page, and asks for a token once", async ({ page }) => {
  await signIn(page);
  await expect(page.getByRole("row").filter({ hasText: "AAPL" })).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("textbox", { name: "Token" })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "AAPL" })).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Signed out: pause updates" })).toBeVisible();
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("textbox", { name: "Token" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("textbox", { name: "Token" })).toBeVisible();
});
