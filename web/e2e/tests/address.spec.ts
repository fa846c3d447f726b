import { expect, test } from "../fixtures.ts";

for (const address of ["/nope", "/alerts/of/yesterday"]) {
  test(`an address without a page, ${address}, is answered by the dashboard`, async ({ page }) => {
    await page.goto(address);
    await expect(page.getByRole("heading", { level: 1, name: "No such page" })).toBeVisible();
    await page.getByRole("link", { name: "Go to the overview" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  });
}

test("a chosen theme is there before any code of the page has run", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/");
  const background = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: /^Colours: system/ }).click();
  await page.getByRole("button", { name: /^Colours: light/ }).click();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.route(/assets\/index-.*\.js/, (route) => route.abort());
  await page.reload();
  await expect(page.locator("#root")).toBeEmpty();
  expect(await background()).toBe(dark);
});
test.use({ caused: /Failed to load resource: net::ERR_FAILED/ });
