import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../fixtures.ts";
import { filled, PLACES, visit } from "../pages.ts";

test.beforeAll(({ product }) => filled(product));

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });
    for (const place of PLACES) {
      test(`axe finds nothing serious on the page ${place.name}`, async ({ page, product }) => {
        await visit(page, product, place);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const serious = violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
        expect(serious).toEqual([]);
      });
    }
  });
}

test("no page is wider than a phone", async ({ page, product }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const place of PLACES) {
    await visit(page, product, place);
    const beyond = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(beyond, place.name).toBeLessThanOrEqual(0);
  }
});
