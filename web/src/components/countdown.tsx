import { formatSeconds } from "../lib/numbers";
import { useStore } from "../lib/store";
import { absolute, seconds } from "../lib/time";

interface CountdownProps {
  to: string;
  prefix?: string;
  /** What is said once the time has come. */
  over?: string;
}

/** How long until a time, by the second; the exact time in UTC on hover. */
export function Countdown({ to, prefix = "in ", over = "now" }: CountdownProps) {
  const left = Math.ceil((Date.parse(to) - useStore(seconds)) / 1000);
  return (
    <time dateTime={to} title={absolute(to)} className="numbers">
      {left > 0 ? `${prefix}${formatSeconds(left)}` : over}
    </time>
  );
}
