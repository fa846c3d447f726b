import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { Timestamp } from "../../components/timestamp";
import { formatMillis } from "../../lib/numbers";
import css from "./attempt-list.module.css";

/** Outcomes that spend no attempt, and those that end well; the rest are failures. */
const TONES: Record<string, string> = {
  running: "active",
  completed: "good",
  snoozed: "later",
  throttled: "held",
  released: "quiet",
  cancelled: "quiet",
};

/** What each attempt did, newest first. */
export function AttemptList({ job }: { job: Schemas["JobDetail"] }) {
  return (
    <section className={css.part} aria-label="Attempts">
      <h3>Attempts</h3>
      {job.attempts.length === 0 ? (
        <p className="muted">None has begun.</p>
      ) : (
        <ol className={css.timeline}>
          {job.attempts.toReversed().map((attempt) => (
            // a job that gave its attempt back uses the number again
            <Attempt key={`${attempt.number} ${attempt.started_at}`} attempt={attempt} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Attempt({ attempt }: { attempt: Schemas["Attempt"] }) {
  const { started_at, ended_at, outcome, error, log } = attempt;
  const took = ended_at && Math.max(0, Date.parse(ended_at) - Date.parse(started_at));
  const tone = TONES[outcome] ?? "bad";
  return (
    <li className={css.attempt} style={{ "--tone": `var(--${tone})` }}>
      <p className={css.head}>
        <strong>Attempt {attempt.number}</strong>
        <Badge tone={tone}>{outcome.replaceAll("_", " ")}</Badge>
        <span className="muted">
          <Timestamp at={started_at} />
          {typeof took === "number" && `, took ${formatMillis(took)}`}
          {attempt.worker && ` on ${attempt.worker}`}
        </span>
      </p>
      {error && <pre className={css.error}>{error}</pre>}
      {log.length > 0 && (
        <ol className={css.log} aria-label="Log">
          {log.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a log only grows at its end
            <li key={index}>{line}</li>
          ))}
        </ol>
      )}
    </li>
  );
}
