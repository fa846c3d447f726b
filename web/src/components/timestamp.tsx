import { useStore } from "../lib/store";
import { absolute, now, relative } from "../lib/time";

/** How long ago, with the exact time in UTC on hover and for screen readers. */
export function Timestamp({ at, prefix }: { at: string; prefix?: string }) {
  const present = useStore(now);
  return (
    <time dateTime={at} title={absolute(at)}>
      {prefix}
      {relative(Date.parse(at), present)}
    </time>
  );
}
