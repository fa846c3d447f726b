import { createStore } from "../lib/store";

const KEY = "bellwether.token";

/** The token of this tab; it goes when the tab closes. */
export const token = createStore<string | null>(sessionStorage.getItem(KEY));

/** Whether the API has refused a request for want of a valid token. */
export const tokenNeeded = createStore(false);

export function keepToken(value: string): void {
  sessionStorage.setItem(KEY, value);
  token.set(value);
  tokenNeeded.set(false);
}
