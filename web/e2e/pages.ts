import { expect, type Page } from "@playwright/test";
import type { Product } from "./product.ts";

interface Place {
  name: string;
  path: (product: Product) => Promise<string>;
}

const fixed = (path: string) => async () => path;

/** Every page of the dashboard, with something on it. */
export const PLACES: readonly Place[] = [
  { name: "overview", path: fixed("/") },
  { name: "explanation", path: fixed("/?symbol=AAPL") },
  { name: "alerts", path: fixed("/alerts") },
  { name: "jobs", path: fixed("/jobs") },
  {
    name: "job",
    path: async (product) => {
      const { items } = await product.get<{ items: { id: string }[] }>(
        "/api/jobs?kind=scrape_quotes&state=completed&limit=1",
      );
      return `/jobs/${items[0]?.id}`;
    },
  },
  { name: "limits", path: fixed("/limits") },
  { name: "limit", path: fixed("/limits?key=alpha_vantage") },
  { name: "system", path: fixed("/system") },
];

/** Goes there and waits until nothing is being loaded any more. */
export async function visit(page: Page, product: Product, place: Place): Promise<void> {
  const response = await page.goto(await place.path(product));
  expect(response?.status()).toBe(200);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByText(/^Loading .+…$/)).toHaveCount(0);
}

/** The product has prices, news and signals: the state of the page after a minute. */
export async function filled(product: Product): Promise<void> {
  await product.until("signals of the whole watchlist", async () => {
    const { items } = await product.get<{ items: { symbol: string; price: string | null }[] }>(
      "/api/latest-data",
    );
    const signals = await Promise.all(
      items.map(({ symbol }) =>
        product.get<{ current: { state: string } | null }>(`/api/signals/${symbol}`),
      ),
    );
    return items.length === 5 && signals.every(({ current }) => current?.state === "ok");
  });
}

/** Jobs with a tag that wait for a time far away. */
export async function waiting(product: Product, tag: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const { id } = await product.post<{ id: string }>("/jobs", {
      kind: "prune",
      scheduled_at: "2099-01-01T00:00:00Z",
      tags: [tag],
    });
    ids.push(id);
  }
  return ids;
}
