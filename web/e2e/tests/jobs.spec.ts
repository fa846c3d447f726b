import { expect, expectNoReload, mark, test } from "../fixtures.ts";
import { filled } from "../pages.ts";

test.beforeAll(({ product }) => filled(product));

test("a job that failed is understood and retried", async ({ page, product }) => {
  await product.tell("faults", [{ id: "F28", match: "TSLA" }]);
  await page.goto("/jobs");
  await mark(page);
  await page.getByRole("button", { name: "Enqueue job" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Kind").selectOption("scrape_quotes");
  await dialog.getByLabel("Arguments").fill('{"symbol": "TSLA"}');
  await dialog.getByRole("button", { name: "Enqueue" }).click();

  const job = page.getByRole("region", { name: /^Job \d+/ });
  await expect(job.getByText("discarded").first()).toBeVisible();
  const attempts = job.getByRole("region", { name: "Attempts" });
  await expect(attempts).toContainText("Attempt 1");
  await expect(attempts).toContainText(/Invalid API call|refused/i);

  await product.clearFaults();
  await job.getByRole("button", { name: "Retry" }).click();
  await expect(job.getByText("completed").first()).toBeVisible();
  await expect(attempts).toContainText("Attempt 2");
  await expect(attempts).toContainText("Attempt 1");
  await expectNoReload(page);
});

test("arguments that do not fit are refused at their field", async ({ page }) => {
  await page.goto("/jobs");
  await page.getByRole("button", { name: "Enqueue job" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Arguments").fill("{");
  await dialog.getByRole("button", { name: "Enqueue" }).click();
  await expect(dialog.getByLabel("Arguments")).toHaveAttribute("aria-invalid", "true");
  await expect(dialog).toBeVisible();
});

test("a filter lives in the address and survives a reload", async ({ page }) => {
  await page.goto("/jobs");
  const rows = page.locator("tbody tr");
  await page.getByLabel("Kind").selectOption("scrape_quotes");
  await expect(page).toHaveURL(/kind=scrape_quotes/);
  await page
    .getByRole("navigation", { name: "Job states" })
    .getByRole("link", { name: /^completed/ })
    .click();
  await expect(page).toHaveURL(/state=completed/);
  const onlyThose = async () => {
    await expect(page.getByLabel("Kind")).toHaveValue("scrape_quotes");
    await expect(page.locator("[aria-current=page]", { hasText: "completed" })).toBeVisible();
    await expect(rows.filter({ hasText: "scrape_quotes" }).first()).toBeVisible();
    await expect(rows.filter({ hasNotText: "scrape_quotes" })).toHaveCount(0);
    await expect(rows.filter({ hasNotText: "completed" })).toHaveCount(0);
  };
  await onlyThose();
  await page.reload();
  await onlyThose();
  await page.goBack();
  await expect(page).not.toHaveURL(/state=completed/);
});

test("a job that waits says why, and is called off", async ({ page, product }) => {
  const { id } = await product.post<{ id: string }>("/jobs", {
    kind: "prune",
    scheduled_at: "2099-01-01T00:00:00Z",
  });
  await page.goto(`/jobs/${id}`);
  const job = page.getByRole("region", { name: `Job ${id}` });
  await expect(job.getByText("Not running:")).toBeVisible();
  await job.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the job" }).click();
  await expect(job.getByText("cancelled").first()).toBeVisible();
  await product.jobIs(id, "cancelled");
});
