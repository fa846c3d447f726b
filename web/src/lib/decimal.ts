// Prices are decimal strings; nothing here makes them floats.

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
const SIGNS: Record<string, string> = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" };

/** `1234567.5` as `1,234,567.5`. What is no decimal number comes back as it is. */
export function group(value: string): string {
  const [, sign, whole, fraction] = DECIMAL.exec(value) ?? [];
  if (whole === undefined) return value;
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign ? "−" : ""}${grouped}${fraction ? `.${fraction}` : ""}`;
}

export function formatPrice(value: string, currency: string): string {
  const sign = SIGNS[currency];
  if (!sign) return `${group(value)} ${currency}`;
  return value.startsWith("-") ? `−${sign}${group(value.slice(1))}` : `${sign}${group(value)}`;
}

/** `a − b`, exactly; `null` where one is no decimal number. */
export function subtract(a: string, b: string): string | null {
  const [left, right] = [DECIMAL.exec(a), DECIMAL.exec(b)];
  if (!left || !right) return null;
  const scale = Math.max(left[3]?.length ?? 0, right[3]?.length ?? 0);
  const units = ([, sign, whole, fraction = ""]: RegExpExecArray) =>
    BigInt(`${sign}${whole}${fraction.padEnd(scale, "0")}`);
  const difference = units(left) - units(right);
  const digits = String(difference < 0n ? -difference : difference).padStart(scale + 1, "0");
  const text = scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return difference < 0n ? `-${text}` : text;
}

/** Always with its sign: `+1.20`, `−0.44`, and `0.00` for none. */
export function signed(value: string): string {
  const text = group(value);
  return text.startsWith("−") || !/[1-9]/.test(text)
    ? text.replace(/^−(?=[0.,]*$)/, "")
    : `+${text}`;
}

/** Which way a decimal string points. */
export function direction(value: string): -1 | 0 | 1 {
  if (!/[1-9]/.test(value)) return 0;
  return value.startsWith("-") ? -1 : 1;
}
