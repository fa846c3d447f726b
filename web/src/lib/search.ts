/** A search parameter's text, or nothing where it is empty or missing. */
export function text(search: Record<string, unknown>, name: string): string | undefined {
  const value = search[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A search parameter that is one of a few words. */
export function oneOf<T extends string>(
  search: Record<string, unknown>,
  name: string,
  words: readonly T[],
): T | undefined {
  return words.find((word) => word === search[name]);
}
