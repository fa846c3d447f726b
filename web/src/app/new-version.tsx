import { useEffect } from "react";
import { Button } from "../components/button";
import { liveStatus } from "../lib/live";
import { createStore, useStore } from "../lib/store";
import css from "./new-version.module.css";

const found = createStore(false);

/** Offers to load the pages of a server that was replaced while the tab was open. */
export function NewVersion() {
  useEffect(watch, []);
  if (!useStore(found)) return null;
  return (
    <div className={css.offer} role="status">
      <Button look="primary" onClick={() => window.location.reload()}>
        New version – reload
      </Button>
    </div>
  );
}

/** Compares after each reconnection, which every deployment causes. */
function watch(): () => void {
  let connected = false;
  return liveStatus.subscribe(() => {
    if (liveStatus.get() !== "live") return;
    if (connected) void compare();
    connected = true;
  });
}

async function compare(): Promise<void> {
  const page = await fetch("/", { cache: "no-store" })
    .then((response) => (response.ok ? response.text() : null))
    .catch(() => null);
  if (page === null) return;
  const served = entry(new DOMParser().parseFromString(page, "text/html"));
  if (served && served !== entry(document)) found.set(true);
}

/** The script that starts the page; its name holds a digest of its content. */
function entry(page: Document): string | null {
  return page.querySelector("script[type=module][src]")?.getAttribute("src") ?? null;
}
