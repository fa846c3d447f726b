import { expect, mark, test } from "../fixtures.ts";
import { filled } from "../pages.ts";

test.beforeAll(({ product }) => filled(product));
// files that are not there are the subject
test.use({
  caused: /Failed to load resource|Unable to preload CSS|Failed to fetch dynamically imported/,
});

test("a tab of before a deployment loads the new pages by itself", async ({ page }) => {
  await page.goto("/");
  await mark(page);
  let gone = true;
  await page.route(/assets\/limits-page-.*\.css/, (route) =>
    gone ? route.fulfill({ status: 404 }) : route.continue(),
  );
  page.on("request", (request) => {
    if (request.isNavigationRequest()) gone = false;
  });
  await page.getByRole("link", { name: "Limits", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Limits" })).toBeVisible();
  await expect(page).toHaveURL("/limits");
  await expect(page.locator("html")).not.toHaveAttribute("data-mark");
});

test("a page that could not be loaded is loaded once the server is back", async ({ page }) => {
  await page.goto("/");
  await page.route("**/*", (route) => route.abort());
  await page.getByRole("link", { name: "Limits", exact: true }).click();
  await expect(page.getByRole("main")).toContainText("The server does not answer");
  // the page is still there, and says so again
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("main")).toContainText("The server does not answer");
  await page.unroute("**/*");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Limits" })).toBeVisible();
});

test("a new version is offered after a reconnection", async ({ page, context }) => {
  await page.goto("/");
  await expect(page.getByRole("button", { name: /^Live: / })).toBeVisible();
  const offer = page.getByRole("button", { name: "New version – reload" });
  await page.route("/", async (route) => {
    const answer = await route.fetch();
    const html = (await answer.text()).replace(/assets\/index-[\w-]+\.js/, "assets/index-new.js");
    await (route.request().isNavigationRequest()
      ? route.continue()
      : route.fulfill({ response: answer, body: html }));
  });
  await context.setOffline(true);
  await expect(page.getByRole("button", { name: /^Live: / })).toHaveCount(0);
  await expect(offer).toHaveCount(0);
  await context.setOffline(false);
  await expect(offer).toBeVisible();
  await mark(page);
  await offer.click();
  await expect(page.locator("html")).not.toHaveAttribute("data-mark");
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
});
