import { expect, expectNoReload, mark, test } from "../fixtures.ts";

const SYMBOLS = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"];

test("the watchlist fills while the page is open", async ({ page }) => {
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

test("every page says that its data is simulated, and why", async ({ page }) => {
  await page.goto("/");
  await page
    .getByRole("banner")
    .getByRole("button", { name: /^Simulated data/ })
    .click();
  await expect(page.getByRole("dialog")).toContainText(/the sandbox answers/);
});

test("a price tells its own time and session, and apart from them the last check", async ({
  page,
}) => {
  await page.goto("/");
  const row = page.getByRole("row").filter({ hasText: "AAPL" });
  await expect(row).toContainText(/(Mon|Tue|Wed|Thu|Fri)( close ·)? \d+ \w{3} \d\d:\d\d ET/);
  await expect(row).toContainText(
    /(open, closes|(closed|before the open|after the close), opens (Mon|Tue|Wed|Thu|Fri)) \d\d:\d\d ET/,
  );
  await expect(row).toContainText(/checked (just now|\d+ \w+ ago)/);
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
