/**
 * What an action changed, in a line: `cap: none → 20`. What is told of before alone is what it was
 * done to, and stays out. Other details are told by name.
 */
export function describeChange(detail: unknown): string {
  const { before: was, after: is, ...rest } = record(detail);
  const [before, after] = [byWindow(record(was)), byWindow(record(is))];
  const changes = Object.entries(after)
    .filter(([name, value]) => show(before[name]) !== show(value))
    .map(([name, value]) =>
      name in before
        ? `${word(name)}: ${show(before[name])} → ${show(value)}`
        : `${word(name)}: ${show(value)}`,
    );
  const others = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${word(name)}: ${show(value)}`);
  return [...changes, ...others].join("; ");
}

/** The windows of a limit, each under its own name, the first as 1; without an override its own. */
function byWindow({ windows, ...others }: Record<string, unknown>): Record<string, unknown> {
  const amounts = (Array.isArray(windows) ? windows : []).map(record);
  return {
    ...Object.fromEntries(
      amounts.map(({ no, amount }) => [`window ${Number(no) + 1}`, amount ?? "its own amount"]),
    ),
    ...others,
  };
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
