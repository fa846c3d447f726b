import { text } from "../../lib/search";

export interface OverviewSearch {
  /** The symbol whose signal is explained. */
  symbol?: string | undefined;
}

export function readOverviewSearch(search: Record<string, unknown>): OverviewSearch {
  return { symbol: text(search, "symbol") };
}
