import { expect, test } from "../fixtures.ts";
import { waiting } from "../pages.ts";

test("a selected job that leaves the list stays the only one that is acted on", async ({
  page,
  product,
}) => {
  const ids = await waiting(product, "selected", 4);
  await page.goto("/jobs?tag=selected&state=scheduled");
  const rows = page.locator("tbody tr");
  await expect(rows).toHaveCount(4);
  await page.getByRole("checkbox", { name: `Select job ${ids[1]}`, exact: true }).check();

  await product.post(`/api/jobs/${ids[1]}/cancel`, {});
  await expect(rows.filter({ hasText: "left the list" })).toHaveCount(1);
  await expect(page.getByText("1 selected job", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("1 job fits.");
  await dialog.getByRole("button", { name: "Leave them" }).click();
});

test("the list stands still while a job is selected, and counts what is new", async ({
  page,
  product,
}) => {
  const ids = await waiting(product, "still", 3);
  await page.goto("/jobs?tag=still");
  const rows = page.locator("tbody tr");
  await expect(rows).toHaveCount(3);
  const box = page.getByRole("checkbox", { name: `Select job ${ids[0]}`, exact: true });
  await box.check();
  const before = await box.boundingBox();

  const more = await waiting(product, "still", 2);
  const show = page.getByRole("button", { name: "2 new – show" });
  await expect(show).toBeVisible();
  await expect(rows).toHaveCount(3);
  expect(await box.boundingBox()).toEqual(before);
  await show.click();
  await expect(rows).toHaveCount(5);
  await expect(box).toBeChecked();
  await expect(
    page.getByRole("checkbox", { name: `Select job ${more[1]}`, exact: true }),
  ).not.toBeChecked();
});

test("all that match are selected by a step of its own", async ({ page, product }) => {
  await waiting(product, "all", 2);
  await page.goto("/jobs?tag=all");
  await expect(page.locator("tbody tr")).toHaveCount(2);
  await expect(page.getByRole("button", { name: "Cancel…" })).toBeDisabled();
  await page.getByRole("button", { name: "Select all matching" }).click();
  await expect(page.getByText("All jobs that match the filters")).toBeVisible();
  await page.getByRole("button", { name: "Clear selection" }).click();
  await expect(page.getByRole("button", { name: "Cancel…" })).toBeDisabled();
});
