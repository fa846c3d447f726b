import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { canCancel } from "../../api/job-states";
import { Timestamp } from "../../components/timestamp";
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
      {why.reason}
      {why.key && !why.reason.includes(why.key) && (
        <>
          {" "}
          · limit <code>{why.key}</code>
        </>
      )}
      {why.position != null && ` · ${formatCount(why.position)} ahead of it`}
      {why.estimated_start_at && (
        <>
          {" "}
          · <Timestamp at={why.estimated_start_at} prefix="expected " />
        </>
      )}
    </p>
  );
}
