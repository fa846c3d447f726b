import { Button } from "../components/button";
import { useStore } from "../lib/store";
import { setTheme, type Theme, theme } from "../lib/theme";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const ICONS: Record<Theme, string> = {
  system: "M12 3a9 9 0 1 0 0 18V3z",
  light:
    "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v4h-2zM11 19h2v4h-2zM1 11h4v2H1zM19 11h4v2h-4zM4.2 5.6l1.4-1.4 2.8 2.8L7 8.4zM15.6 17l1.4-1.4 2.8 2.8-1.4 1.4zM5.6 19.8l-1.4-1.4L7 15.6 8.4 17zM17 8.4 15.6 7l2.8-2.8 1.4 1.4z",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
};

/** System, light, dark, and round again. */
export function ThemeToggle() {
  const present = useStore(theme);
  const label = `Colours: ${present}. Switch to ${NEXT[present]}.`;
  return (
    <Button look="quiet" aria-label={label} title={label} onClick={() => setTheme(NEXT[present])}>
      <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" fill="currentColor">
        <path d={ICONS[present]} />
        {present === "system" && (
          <circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" strokeWidth="2" />
        )}
      </svg>
    </Button>
  );
}
