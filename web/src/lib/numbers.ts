/** A score in −1…1 with its sign: `+0.32`, `−0.15`, `0.00`. */
export function formatScore(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (!/[1-9]/.test(text)) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** Milliseconds with a unit: `14 ms`, `2.2 s`, `1 min 5 s`. */
export function formatMillis(value: number): string {
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 59_950) return `${(value / 1000).toFixed(1)} s`;
  return formatSeconds(value / 1000);
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** Seconds in at most two units: `25 h` stays hours, `90 s` is `1 min 30 s`, `1.2` is `1.2 s`. */
export function formatSeconds(value: number): string {
  if (value < 60) return `${Number(value.toFixed(1))} s`;
  let rest = Math.round(value);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    // windows of up to two days are known by their hours
    if (count === 0 || (unit === "d" && rest < 172_800)) continue;
    parts.push(`${count} ${unit}`);
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** Millionths of a dollar as dollars: `$12.50`; less than a cent keeps two digits that count. */
export function formatDollars(micros: number): string {
  const dollars = micros / 1e6;
  if (dollars === 0 || Math.abs(dollars) >= 0.01) {
    const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return `$${dollars.toLocaleString("en-US", digits)}`;
  }
  return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0+$/, "")}`;
}

/** Dollars as typed, in millionths; `null` if that is no amount. */
export function parseDollars(text: string): number | null {
  const plain = text.trim().replace(/^\$/, "").replaceAll(",", "");
  return /^\d{1,9}(\.\d{1,6})?$/.test(plain) ? Math.round(Number(plain) * 1e6) : null;
}

/** Short enough for an axis: `950`, `1.5k`, `250k`, `2M`. */
export function formatShort(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toFixed(1))}M`;
  if (value >= 1000) return `${Number((value / 1000).toFixed(1))}k`;
  return String(Number(value.toFixed(value < 10 ? 1 : 0)));
}
