import { expect, test } from "vitest";
import { argumentsOf, exampleOf } from "./kinds";

const kind = {
  kind: "scrape_news",
  queue: "scraper",
  priority: 4,
  max_attempts: 5,
  schema: {
    type: "object",
    properties: {
      batch: { type: ["integer", "null"], description: "The round that it belongs to." },
      symbols: { type: "array", items: { type: "string" } },
      limit: { type: "integer" },
    },
    required: ["symbols", "limit"],
  },
};

test("a kind's arguments come from its schema, the required ones first", () => {
  expect(argumentsOf(kind)).toEqual([
    { name: "symbols", type: "array", required: true, about: null },
    { name: "limit", type: "integer", required: true, about: null },
    {
      name: "batch",
      type: "integer",
      required: false,
      about: "The round that it belongs to.",
    },
  ]);
});

test("an example holds what is required, and a kind without arguments needs none", () => {
  expect(exampleOf(kind)).toBe('{ "symbols": [ "AAPL", "MSFT" ], "limit": 1 }');
  expect(JSON.parse(exampleOf(kind))).toEqual({ symbols: ["AAPL", "MSFT"], limit: 1 });
  expect(exampleOf({ ...kind, schema: {} })).toBe("{}");
  expect(exampleOf(undefined)).toBe("{}");
});
