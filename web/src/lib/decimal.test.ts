import { expect, test } from "vitest";
import { direction, formatPrice, group, signed, subtract } from "./decimal";

test("a price keeps every digit that the server sent", () => {
  expect(formatPrice("12345678901234567890.123456", "USD")).toBe(
    "$12,345,678,901,234,567,890.123456",
  );
  expect(formatPrice("98.70", "USD")).toBe("$98.70");
  expect(formatPrice("1200", "CHF")).toBe("1,200 CHF");
  expect(formatPrice("-0.50", "USD")).toBe("−$0.50");
});

test("what is no decimal number is shown as it came", () => {
  expect(group("n/a")).toBe("n/a");
  expect(subtract("n/a", "1")).toBeNull();
});

test("a difference is exact where floats are not", () => {
  expect(subtract("0.3", "0.1")).toBe("0.2");
  expect(subtract("211.67", "205.22")).toBe("6.45");
  expect(subtract("1", "1.000001")).toBe("-0.000001");
  expect(subtract("5", "5")).toBe("0");
});

test("a change always shows its sign, and none has none", () => {
  expect(signed("3.14")).toBe("+3.14");
  expect(signed("-2.37")).toBe("−2.37");
  expect(signed("0.00")).toBe("0.00");
  expect(signed("-0.00")).toBe("0.00");
  expect([direction("0.01"), direction("-0.01"), direction("-0.00")]).toEqual([1, -1, 0]);
});
