import { expect, expectNoReload, mark, test } from "../fixtures.ts";

const SYMBOLS = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"];

test("the watchlist fills while somebody looks at it", async ({ page }) => {
  await page.goto("/");
  await mark(page);
  await expect(page).toHaveTitle(/Bellwether/);
  const watchlist = page.getByRole("region", { name: "Watchlist" });
  for (const symbol of SYMBOLS) {
    const row = watchlist.getByRole("row").filter({ hasText: symbol });
    await expect(row).toContainText(/\d+\.\d{2}/, { timeout: 60_000 });
    await expect(row).toContainText(/(buy|hold|sell)/i, { timeout: 60_000 });
    // the invented news has quiet days too
    await expect(row).toContainText(/(positive|neutral|negative|no news)/, { timeout: 60_000 });
  }
  const read = watchlist.getByRole("row").filter({ hasText: /(positive|neutral|negative)/ });
  await expect.poll(() => read.count(), { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
  await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeVisible();
  await expectNoReload(page);
});

test("it is said what is simulated", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("main")).toContainText(/simulated|sandbox/i);
});

test("a signal is explained by every term of its formula, at an address of its own", async ({
  page,
}) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Why AAPL" }).click();
  const heading = page.getByRole("heading", { name: /How AAPL’s signal came about/ });
  await expect(heading).toBeVisible();
  await expect(page.getByText("C = 0.6 P + 0.4 S")).toBeVisible();
  await expect(page).toHaveURL(/symbol=AAPL/);
  await page.reload();
  await expect(heading).toBeVisible();
});
