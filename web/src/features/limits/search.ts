import { text } from "../../lib/search";

export interface LimitsSearch {
  /** The limit that is looked at. */
  key?: string | undefined;
}

export function readLimitsSearch(search: Record<string, unknown>): LimitsSearch {
  return { key: text(search, "key") };
}
