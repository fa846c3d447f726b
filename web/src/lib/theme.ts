import { createStore } from "./store";

export type Theme = "system" | "light" | "dark";

const KEY = "bellwether.theme";

export const theme = createStore<Theme>(kept());

function kept(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Without the attribute the style sheet follows the system. */
export function applyTheme(): void {
  const value = theme.get();
  if (value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}

export function setTheme(value: Theme): void {
  if (value === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, value);
  theme.set(value);
  applyTheme();
}
