/** What an action changed, in a line: `cap: none → 20`. Other details are told by name. */
export function describeChange(detail: unknown): string {
  const { before, after, ...rest } = record(detail);
  const names = [...new Set([...Object.keys(record(before)), ...Object.keys(record(after))])];
  const changes = names
    .filter((name) => show(record(before)[name]) !== show(record(after)[name]))
    .map((name) =>
      name in record(before)
        ? `${word(name)}: ${show(record(before)[name])} → ${show(record(after)[name])}`
        : `${word(name)}: ${show(record(after)[name])}`,
    );
  const others = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${word(name)}: ${show(value)}`);
  return [...changes, ...others].join("; ");
}

function word(name: string): string {
  return name.replaceAll("_", " ");
}

function show(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") {
    return value.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.?\d*(Z|\+00:00)$/, "$1 $2 UTC");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
