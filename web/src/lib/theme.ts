import { createStore } from "./store";

export type Theme = "system" | "light" | "dark";

/** Read by public/theme.js before the first paint. */
const KEY = "bellwether.theme";

/** Without the attribute the style sheet follows the system. */
const shown = document.documentElement.dataset;

export const theme = createStore<Theme>(
  shown.theme === "light" || shown.theme === "dark" ? shown.theme : "system",
);

export function setTheme(value: Theme): void {
  if (value === "system") {
    localStorage.removeItem(KEY);
    delete shown.theme;
  } else {
    localStorage.setItem(KEY, value);
    shown.theme = value;
  }
  theme.set(value);
}
