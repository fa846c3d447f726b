import type { Schemas } from "../../api/client";

/** A kind as far as its form needs it. */
export interface Argument {
  name: string;
  type: string;
  required: boolean;
  about: string | null;
}

/** Values that say more than their type does. */
const TYPICAL: Record<string, unknown> = { symbol: "AAPL", symbols: ["AAPL", "MSFT"] };
const EMPTY: Record<string, unknown> = {
  string: "",
  integer: 1,
  number: 1,
  boolean: false,
  array: [],
  object: {},
};

/** What a kind takes, as its JSON schema says it: the required ones first. */
export function argumentsOf(kind: Schemas["JobKind"] | undefined): Argument[] {
  const schema = record(kind?.schema);
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(record(schema.properties))
    .map(([name, property]) => ({
      name,
      type: typeOf(property),
      required: required.includes(name),
      about: text(record(property).description),
    }))
    .sort((a, b) => Number(b.required) - Number(a.required));
}

/** Arguments that fit a kind, as a start for writing others. */
export function exampleOf(kind: Schemas["JobKind"] | undefined): string {
  const entries = argumentsOf(kind)
    .filter(({ required }) => required)
    .map(({ name, type }) => [name, TYPICAL[name] ?? EMPTY[type] ?? null]);
  return entries.length === 0
    ? "{}"
    : JSON.stringify(Object.fromEntries(entries), null, 1).replace(/\s+/g, " ");
}

function typeOf(property: unknown): string {
  const { type } = record(property);
  const types = Array.isArray(type) ? type : [type];
  return types.find((each) => typeof each === "string" && each !== "null") ?? "value";
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
