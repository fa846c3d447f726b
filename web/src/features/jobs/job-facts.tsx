import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { StateBadge } from "../../components/state-badge";
import { Timestamp } from "../../components/timestamp";
import css from "./job-facts.module.css";

export function JobFacts({ job }: { job: Schemas["JobDetail"] }) {
  return (
    <dl className={css.facts}>
      <Fact name="State">
        <StateBadge state={job.state} />
        {job.cancelling && " · called off, still running"}
      </Fact>
      <Fact name="Queue">
        {job.queue} <span className="muted">· lane {job.lane}</span>
      </Fact>
      <Fact name="Attempt">
        {job.attempt} of {job.max_attempts}
        <span className="muted"> · priority {job.priority} (0 first, 9 last)</span>
      </Fact>
      <Fact name="Added">
        <Timestamp at={job.created_at} />
      </Fact>
      {job.scheduled_at && (
        <Fact name="Due">
          <Timestamp at={job.scheduled_at} />
        </Fact>
      )}
      {job.error && !job.attempts.some(({ error }) => error) && (
        <Fact name="Reason">{job.error}</Fact>
      )}
      {job.finished_at && (
        <Fact name="Ended">
          <Timestamp at={job.finished_at} />
        </Fact>
      )}
      {job.unique_key && (
        <Fact name="Unique key">
          <code>{job.unique_key}</code>
        </Fact>
      )}
      {job.tags.length > 0 && <Fact name="Tags">{job.tags.join(", ")}</Fact>}
      {job.trace_id && (
        <Fact name="Trace">
          <code>{job.trace_id}</code>
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
