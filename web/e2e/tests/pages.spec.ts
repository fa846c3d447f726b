import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../fixtures.ts";
import { filled, PLACES, visit } from "../pages.ts";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

test.beforeAll(({ product }) => filled(product));

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });
    for (const place of PLACES) {
      test(`axe finds nothing serious on the page ${place.name}`, async ({ page, product }) => {
        await visit(page, product, place);
        const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
        const serious = violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
        expect(serious).toEqual([]);
      });
    }
  });
}

for (const width of [320, 390, 768, 1024, 1440, 1920]) {
  test(`at ${width} pixels no page is too wide and nothing is cut off`, async ({
    page,
    product,
  }) => {
    await page.setViewportSize({ width, height: 900 });
    for (const place of PLACES) {
      await visit(page, product, place);
      expect(await page.evaluate(tooWide), place.name).toEqual([]);
    }
  });
}

/** What is wider than the window, or cut off by a box that does not scroll. */
function tooWide(): string[] {
  const root = document.documentElement;
  const found =
    root.scrollWidth > root.clientWidth
      ? [`the page by ${root.scrollWidth - root.clientWidth}`]
      : [];
  const elements = document.querySelectorAll(
    "main :is(a, button, input, select, th, td, p, li, dd)",
  );
  for (const element of Array.from(elements)) {
    const { right, width, height } = element.getBoundingClientRect();
    if (width <= 1 || height <= 1) continue;
    for (let box = element.parentElement; box; box = box.parentElement) {
      const { overflowX, textOverflow, clipPath } = getComputedStyle(box);
      // a scroller shows the rest, and an ellipsis says that there is more
      if (
        ["auto", "scroll"].includes(overflowX) ||
        textOverflow === "ellipsis" ||
        clipPath !== "none"
      )
        break;
      if (overflowX !== "visible" && right > box.getBoundingClientRect().right + 1) {
        found.push(`${element.tagName} ${element.textContent?.slice(0, 40)}`);
        break;
      }
    }
  }
  return found;
}

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
}

for (const { width, height } of [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
]) {
  test(`pages of ${width} pixels hardly move while they load`, async ({ page, product }) => {
    await page.setViewportSize({ width, height });
    await page.addInitScript(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as Shift[]) {
          if (!entry.hadRecentInput) shifts.push(entry.value);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    for (const place of PLACES.filter(({ name }) =>
      ["overview", "jobs", "system"].includes(name),
    )) {
      await visit(page, product, place);
      await expect(page.getByRole("status").filter({ hasText: "Live" })).toBeAttached();
      const sum = await page.evaluate(() =>
        (window as unknown as { shifts: number[] }).shifts.reduce((a, b) => a + b, 0),
      );
      expect(sum, place.name).toBeLessThanOrEqual(0.1);
    }
  });
}
