// Runs before the first paint, so that a chosen theme shows without a flash of the other one.
// src/lib/theme.ts stores the choice under this key.
try {
  const chosen = localStorage.getItem("bellwether.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // without storage the theme of the system applies
}
