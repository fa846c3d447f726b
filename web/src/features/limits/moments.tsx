import { Countdown } from "../../components/countdown";
import { useStore } from "../../lib/store";
import { now, seconds } from "../../lib/time";
import type { Limit, LimitWindow } from "./standing";

/** When something ends, counted down. */
export function Until({ at }: { at: string }) {
  return <Countdown to={at} prefix="for " over="ends now" />;
}

/** When the next call may be made. */
export function NextPermit({ limit }: { limit: Limit }) {
  const present = useStore(seconds);
  const at = limit.next_permit_at;
  if (!at) return "after a call in flight";
  // the server's clock may be a tick ahead of the browser's
  return Date.parse(at) <= present + SKEW_MS ? "now" : <Countdown to={at} />;
}

const SKEW_MS = 2000;

/** When a window will be used up at the pace of the moment, or when it is whole again. */
export function Forecast({ window }: { window: LimitWindow }) {
  const present = useStore(now);
  const ahead = (at: string | null | undefined): at is string =>
    at != null && Date.parse(at) > present;
  if (window.remaining <= 0) {
    return ahead(window.resets_at) ? (
      <>
        {" · "}
        <Countdown to={window.resets_at} prefix="whole again in " />
      </>
    ) : null;
  }
  if (ahead(window.exhausted_at)) {
    return (
      <>
        {" · "}
        <Countdown to={window.exhausted_at} prefix="used up in " />
      </>
    );
  }
  return ahead(window.resets_at) ? (
    <>
      {" · "}
      <Countdown to={window.resets_at} prefix="whole again in " />
    </>
  ) : null;
}
