import { Button } from "../components/button";
import { type LiveStatus, liveStatus, pausedByHand } from "../lib/live";
import { useStore } from "../lib/store";
import css from "./live-indicator.module.css";

const WORDS: Record<LiveStatus, { word: string; meaning: string }> = {
  connecting: { word: "Connecting", meaning: "The event stream is being opened." },
  live: {
    word: "Live",
    meaning: "The event stream was heard in the last 35 seconds; changes appear as they happen.",
  },
  polling: { word: "Polling", meaning: "The event stream is down; asking every 10 seconds." },
  offline: { word: "Offline", meaning: "The server does not answer; trying again." },
  paused: { word: "Paused", meaning: "Nothing is refreshed." },
  "signed-out": { word: "Signed out", meaning: "The server wants a token; nothing is refreshed." },
};

/** Tells how fresh the page is; a click pauses the updates and resumes them. */
export function LiveIndicator() {
  const status = useStore(liveStatus);
  const held = useStore(pausedByHand);
  const { word, meaning } = WORDS[status];
  return (
    <>
      <Button
        look="quiet"
        className={css.indicator}
        data-status={status}
        aria-label={`${word}: ${held ? "resume" : "pause"} updates`}
        title={`${meaning} ${held ? "Click to go on." : "Click to pause."}`}
        onClick={() => pausedByHand.set(!held)}
      >
        <span className={css.dot} aria-hidden="true" />
        {word}
      </Button>
      {/* beside the button: what is inside one is not read out when it changes */}
      <span role="status" className="visually-hidden">
        {word}
      </span>
    </>
  );
}
