import { createStore } from "../lib/store";

const KEY = "bellwether.token";

/** The token of this tab; it goes when the tab closes. */
export const token = createStore<string | null>(sessionStorage.getItem(KEY));

/** True after the API has refused a request for want of a valid token, until one is given. */
export const tokenNeeded = createStore(false);

/** True while the reader is asked for a token; closing the question leaves the page signed out. */
export const askingForToken = createStore(false);

/** Asks for a token, unless the refused request was sent with another one than the page has now. */
export function requireToken(refused: Request): void {
  if (refused.headers.get("Authorization") !== (credentials().Authorization ?? null)) return;
  // each refused request reports it, and the dialog opens once
  if (tokenNeeded.get()) return;
  tokenNeeded.set(true);
  askingForToken.set(true);
}

/** The headers that carry the token. */
export function credentials(): Record<string, string> {
  const value = token.get();
  return value ? { Authorization: `Bearer ${value}` } : {};
}

export function keepToken(value: string): void {
  sessionStorage.setItem(KEY, value);
  token.set(value);
  tokenNeeded.set(false);
  askingForToken.set(false);
}

/** Signs out: the token is gone from this tab. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  token.set(null);
}
