import { oneOf, text } from "../../lib/search";

export const RANGES = ["15m", "1h", "6h", "24h", "7d"] as const;

export type Range = (typeof RANGES)[number];

/** What the charts show. */
export interface SystemSearch {
  range?: Range | undefined;
  queue?: string | undefined;
  kind?: string | undefined;
}

export function readSystemSearch(search: Record<string, unknown>): SystemSearch {
  return {
    range: oneOf(search, "range", RANGES),
    queue: text(search, "queue"),
    kind: text(search, "kind"),
  };
}
