import { formatSeconds } from "../../lib/numbers";

export interface AlertValue {
  name: string;
  value: string;
}

/** An alert's detail as names and readable values: the plain ones, then those under `values`. */
export function readValues(detail: unknown): AlertValue[] {
  const { values, ...rest } = record(detail);
  return [...Object.entries(rest), ...Object.entries(record(values))].flatMap(([name, value]) => {
    const shown = show(name, value);
    return shown === null ? [] : [{ name, value: shown }];
  });
}

function show(name: string, value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "number") {
    if (name.endsWith("_s")) return formatSeconds(value);
    return String(Number(value.toFixed(4))).replace("-", "−");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
