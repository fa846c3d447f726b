import { expect, test } from "../fixtures.ts";
import { filled } from "../pages.ts";
import { Relay } from "../relay.ts";

test.beforeAll(({ product }) => filled(product));
// requests that get no answer are the subject
test.use({ caused: /Failed to load resource/ });

const status = (word: string) => ({ name: new RegExp(`^${word}: `) });

test("a connection that went silent is not called live", async ({ page, product }) => {
  const relay = await Relay.to(product.url);
  try {
    await page.clock.install();
    await page.goto(relay.url);
    await expect(page.getByRole("button", status("Live"))).toBeVisible();
    relay.silence();
    await page.clock.fastForward(30_000);
    await page.clock.fastForward(8000);
    await expect(page.getByRole("button", status("Live"))).toHaveCount(0);
    // requests without an answer are given up, and the page says how old it is
    await page.clock.fastForward(21_000);
    await expect(page.getByRole("button", status("Offline"))).toBeVisible();
    await expect(page.getByText(/^as of /)).toHaveCount(4);
    relay.restore();
    await page.clock.fastForward(10_000);
    await expect(page.getByRole("button", status("Live"))).toBeVisible();
    await expect(page.getByText(/^as of /)).toHaveCount(0);
  } finally {
    relay.close();
  }
});

test("without a network every part of the overview says how old it is, until it is back", async ({
  page,
  context,
}) => {
  await page.goto("/");
  await expect(page.getByRole("button", status("Live"))).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "AAPL" })).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByRole("button", status("Offline"))).toBeVisible();
  await expect(page.getByRole("region", { name: "Now" }).getByText(/^as of /)).toHaveCount(4);
  await expect(page.getByRole("region", { name: "Watchlist" })).toContainText(
    "The server does not answer",
  );
  await context.setOffline(false);
  await expect(page.getByRole("button", status("Live"))).toBeVisible();
  await expect(page.getByText(/^as of /)).toHaveCount(0);
});

test("a stream that was interrupted resumes after the last event", async ({ page, context }) => {
  await page.goto("/");
  await expect(page.getByRole("button", status("Live"))).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByRole("button", status("Live"))).toHaveCount(0);
  const resumed = page.waitForRequest(
    (request) => request.url().endsWith("/api/events") && "last-event-id" in request.headers(),
  );
  await context.setOffline(false);
  expect((await resumed).headers()["last-event-id"]).toMatch(/\d/);
  await expect(page.getByRole("button", status("Live"))).toBeVisible();
});
