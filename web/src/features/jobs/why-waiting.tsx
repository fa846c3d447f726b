import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { canCancel } from "../../api/job-states";
import { Countdown } from "../../components/countdown";
import { formatCount } from "../../lib/numbers";
import { whyQuery } from "./queries";
import css from "./why-waiting.module.css";

/** Why a job that could still run is not running. */
export function WhyWaiting({ job }: { job: Schemas["Job"] }) {
  const waits = canCancel(job.state) && job.state !== "running";
  const { data: why } = useQuery({ ...whyQuery(job.id), enabled: waits });
  if (!waits || !why) return null;
  return (
    <p className={css.why}>
      <strong>Not running: </strong>
      <Reason why={why} />
      {why.position != null && <span className="numbers"> · {describePosition(why.position)}</span>}
      {why.estimated_start_at && (
        <>
          {" "}
          · <Countdown to={why.estimated_start_at} prefix="expected in " over="expected now" />
        </>
      )}
    </p>
  );
}

/** The server counts to a thousand, and above that returns a lower bound. */
function describePosition(position: number): string {
  if (position === 0) return "next in line";
  return `${position > 1000 ? "at least " : ""}${formatCount(position)} ahead of it`;
}

/** The server's sentence; the limit in it, or else after it, leads to its page. */
function Reason({ why: { reason, key, dimension } }: { why: Schemas["Why"] }) {
  if (!key) return reason;
  const limit = (
    <Link to="/limits" search={{ key }}>
      {key}
    </Link>
  );
  const at = reason.indexOf(key);
  if (at < 0) {
    return (
      <>
        {reason} · limit {limit}
        {dimension && ` (${dimension})`}
      </>
    );
  }
  return (
    <>
      {reason.slice(0, at)}
      {limit}
      {reason.slice(at + key.length)}
    </>
  );
}
