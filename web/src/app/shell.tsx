import { Link, Outlet } from "@tanstack/react-router";
import { NoticesChip } from "../features/notices/notices-chip";
import { LiveIndicator } from "./live-indicator";
import { NewVersion } from "./new-version";
import { Session } from "./session";
import css from "./shell.module.css";
import { ThemeToggle } from "./theme-toggle";

const PAGES = [
  { to: "/", name: "Overview" },
  { to: "/alerts", name: "Alerts" },
  { to: "/jobs", name: "Jobs" },
  { to: "/limits", name: "Limits" },
  { to: "/system", name: "System" },
] as const;

/** The frame of every page. */
export function Shell() {
  return (
    <>
      <a className={css.skip} href="#content">
        Skip to content
      </a>
      <header className={css.header}>
        <Link to="/" className={css.brand} aria-label="Bellwether, overview">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" className={css.tile} />
            <path className={css.bell} d="M16 6a7 7 0 0 0-7 7v5l-2 4h18l-2-4v-5a7 7 0 0 0-7-7z" />
            <circle className={css.clapper} cx="16" cy="24.5" r="2.5" />
          </svg>
          <span className={css.name}>Bellwether</span>
        </Link>
        <nav aria-label="Pages" className={css.nav}>
          {PAGES.map(({ to, name }) => (
            <Link key={to} to={to} activeOptions={{ exact: to === "/", includeSearch: false }}>
              {name}
            </Link>
          ))}
        </nav>
        <div className={css.tools}>
          <NoticesChip />
          <LiveIndicator />
          <Session />
          <ThemeToggle />
        </div>
      </header>
      <main id="content" className={css.main} tabIndex={-1}>
        <Outlet />
      </main>
      <footer className={css.footer}>
        Signals are research scores, not advice. Times are UTC on hover.
      </footer>
      <NewVersion />
    </>
  );
}
