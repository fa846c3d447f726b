import { expect, expectNoReload, mark, test } from "../fixtures.ts";
import { waiting } from "../pages.ts";

test("jobs that match a filter are counted, cancelled, and deleted", async ({ page, product }) => {
  const ids = await waiting(product, "bulk-few", 3);
  await page.goto("/jobs?tag=bulk-few");
  await mark(page);
  const rows = page.locator("tbody tr");
  await expect(rows).toHaveCount(3);
  await page.getByRole("button", { name: "Select all matching" }).click();
  await page.getByRole("button", { name: "Cancel…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("3 jobs fit.");
  await dialog.getByRole("button", { name: "Cancel 3 jobs" }).click();
  await expect(dialog).toContainText("3 cancelled");
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(rows.filter({ hasText: "cancelled" })).toHaveCount(3);
  for (const id of ids) await product.jobIs(id, "cancelled");

  await page.getByRole("checkbox", { name: `Select job ${ids[0]}` }).check();
  await expect(page.getByText("1 selected job")).toBeVisible();
  await page.getByRole("button", { name: "Delete…" }).click();
  await dialog.getByRole("button", { name: "Delete 1 job" }).click();
  await expect(dialog).toContainText("1 deleted");
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(rows).toHaveCount(2);
  await expectNoReload(page);
});

test("more than a hundred are changed only after their number is typed", async ({
  page,
  product,
}) => {
  await waiting(product, "bulk-many", 104);
  await page.goto("/jobs?tag=bulk-many&state=scheduled");
  await page.getByRole("button", { name: "Select all matching" }).click();
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog");
  const yes = dialog.getByRole("button", { name: "Delete 104 jobs" });
  await expect(yes).toBeDisabled();
  await dialog.getByLabel("Type 104 to go on").fill("104");
  await yes.click();
  await expect(dialog.getByRole("progressbar")).toHaveAttribute("aria-valuetext", "104 of 104");
  await expect(dialog).toContainText("104 deleted");
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(page.getByText("No job fits these filters.")).toBeVisible();
});
