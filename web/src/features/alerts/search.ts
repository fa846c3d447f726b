import { oneOf, text } from "../../lib/search";

export const ALERT_STATES = ["firing", "pending", "resolved"] as const;

export interface AlertsSearch {
  state?: (typeof ALERT_STATES)[number] | undefined;
  symbol?: string | undefined;
}

export function readAlertsSearch(search: Record<string, unknown>): AlertsSearch {
  return {
    state: oneOf(search, "state", ALERT_STATES),
    symbol: text(search, "symbol")?.toUpperCase(),
  };
}
