import type { ErrorComponentProps } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Failure } from "../components/failure";
import { liveStatus } from "../lib/live";
import { isLost } from "./lazy-page";

export function PageError({ error, reset }: ErrorComponentProps) {
  return isLost(error) ? <LostPage /> : <Failure error={error} onRetry={reset} />;
}

const RELOADED = "bellwether.reloaded";
/** A page that is lost again so soon after a reload waits for the reader. */
const AGAIN_MS = 30_000;

/**
 * A page without its code: a deployment has replaced it, or the server is away. Both end with a
 * reload, which is made once by itself, and only while the server answers.
 */
function LostPage() {
  const [away, setAway] = useState(false);

  useEffect(() => {
    const reload = async () => {
      const last = Number(sessionStorage.getItem(RELOADED));
      if (Date.now() - last > AGAIN_MS) setAway(!(await reloaded()));
    };
    void reload();
    return liveStatus.subscribe(() => {
      if (liveStatus.get() === "live") void reload();
    });
  }, []);

  return (
    <Failure
      error={away ? new TypeError("no answer") : new Error("The code of this page was not loaded.")}
      onRetry={() => void reloaded().then((yes) => setAway(!yes))}
    />
  );
}

/** Reloads if the server answers; `false` if it does not. */
async function reloaded(): Promise<boolean> {
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return false;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  window.location.reload();
  return true;
}
