import type { Page } from "@playwright/test";
import { expect, expectNoReload, mark, test } from "../fixtures.ts";
import { filled } from "../pages.ts";
import type { Product } from "../product.ts";

interface Limit {
  key: string;
  parked_until: string | null;
  parked_why: string | null;
  breaker: { state: string } | null;
  windows: { amount: number; override_until: string | null }[];
}

test.beforeAll(({ product }) => filled(product));

const card = (page: Page, key: string) => page.getByRole("article", { name: key });
const panel = (page: Page, key: string) => page.getByRole("region", { name: key, exact: true });

async function limit(product: Product, key: string): Promise<Limit> {
  const { items } = await product.get<{ items: Limit[] }>("/api/limits");
  const found = items.find((each) => each.key === key);
  if (!found) throw new Error(`there is no limit ${key}`);
  return found;
}

test("a key is parked for a reason and resumed, and the audit tells of it", async ({
  page,
  product,
}) => {
  await page.goto("/limits");
  await mark(page);
  await page.getByRole("link", { name: "webhook" }).click();
  await expect(page).toHaveURL(/key=webhook/);
  const key = panel(page, "webhook");
  await key.getByRole("button", { name: "Park" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("For").selectOption("15 min");
  await dialog.getByLabel("Reason").fill("tried by hand");
  await dialog.getByRole("button", { name: "Park" }).click();
  await expect(dialog).toHaveCount(0);

  await expect(card(page, "webhook")).toContainText(/parked.*for 14 min \d+ s/);
  await expect(card(page, "webhook")).toContainText("tried by hand");
  const parked = await limit(product, "webhook");
  expect(parked.parked_why).toBe("tried by hand");

  await key.getByRole("button", { name: "Resume" }).click();
  await dialog.getByRole("button", { name: "Resume" }).click();
  await expect(card(page, "webhook")).toContainText("open");
  await expect(key.getByRole("button", { name: "Park" })).toBeVisible();
  await expectNoReload(page);

  await page.getByRole("link", { name: "System" }).click();
  const audit = page.getByRole("region", { name: "Audit" });
  await expect(audit.getByRole("row", { name: /limit: park webhook/ })).toBeVisible();
  await expect(audit.getByRole("row", { name: /limit: resume webhook/ })).toBeVisible();
});

test("a breaker is tripped and reset", async ({ page, product }) => {
  await page.goto("/limits?key=webhook");
  const key = panel(page, "webhook");
  await key.getByRole("button", { name: "Trip breaker" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Trip" }).click();
  await expect(card(page, "webhook")).toContainText("breaker open");
  expect((await limit(product, "webhook")).breaker?.state).toBe("open");
  await key.getByRole("button", { name: "Reset breaker" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reset" }).click();
  await expect(card(page, "webhook")).not.toContainText("breaker open");
});

test("a window is overridden for a while, and has its own amount again", async ({
  page,
  product,
}) => {
  await page.goto("/limits?key=newsapi");
  const key = panel(page, "newsapi");
  const override = key.getByRole("button", { name: /^Override/ });
  const dialog = page.getByRole("dialog");
  await override.click();
  await dialog.getByLabel("Requests").fill("many");
  await expect(dialog.getByLabel("Requests")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Requests").fill("45");
  await dialog.getByRole("button", { name: "Override" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(card(page, "newsapi")).toContainText(/of 45 requests.*overridden/);
  expect((await limit(product, "newsapi")).windows[0]?.amount).toBe(45);
  await override.click();
  await dialog.getByRole("button", { name: "End the present override" }).click();
  await expect(card(page, "newsapi")).not.toContainText("overridden");
  expect((await limit(product, "newsapi")).windows[0]?.override_until).toBeNull();
});

test("calls made elsewhere appear on the open page", async ({ page, product }) => {
  await page.goto("/limits");
  await mark(page);
  const used = async () =>
    Number((await card(page, "newsapi").innerText()).match(/(\d+) of \d+ requests in 12 h/)?.[1]);
  await expect(card(page, "newsapi")).toContainText("requests in 12 h");
  const before = await used();
  await product.post("/api/limits/newsapi/count", { requests: 2 });
  await expect.poll(used).toBeGreaterThanOrEqual(before + 2);
  await page.getByRole("link", { name: "newsapi" }).click();
  await panel(page, "newsapi")
    .getByRole("button", { name: /^Count calls/ })
    .click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Calls").fill("1");
  await dialog.getByRole("button", { name: "Count" }).click();
  await expect.poll(used).toBeGreaterThanOrEqual(before + 3);
  await expectNoReload(page);
});

test("a job that waits for a limit leads to it", async ({ page, product }) => {
  await product.post("/api/limits/newsapi/park", { seconds: 600, reason: "tried by hand" });
  const { id } = await product.post<{ id: string }>("/jobs", {
    kind: "scrape_news",
    args: { symbols: ["AAPL"] },
  });
  await product.jobIs(id, "parked");
  await page.goto(`/jobs/${id}`);
  const job = page.getByRole("region", { name: `Job ${id}` });
  await expect(job.getByText(/expected in/)).toBeVisible();
  await job.getByRole("link", { name: "newsapi" }).click();
  await expect(page).toHaveURL("/limits?key=newsapi");
  await panel(page, "newsapi").getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await product.jobIs(id, "completed");
});

test("keys lead to a limit, into its dialog, and back", async ({ page }) => {
  await page.goto("/limits");
  const link = page.getByRole("link", { name: "smtp" });
  await link.focus();
  await page.keyboard.press("Enter");
  const park = panel(page, "smtp").getByRole("button", { name: "Park" });
  await park.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").locator(":focus")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(park).toBeFocused();
});
