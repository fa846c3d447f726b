import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { StateBadge } from "../../components/state-badge";
import { formatCount } from "../../lib/numbers";
import css from "./dependencies.module.css";

const SHOWN = 20;
/** Most dependencies that the server returns. */
const TOLD = 100;

interface DependenciesProps {
  title: string;
  jobs: Schemas["JobDetail"]["waits_for"];
}

/** The jobs that one depends on, or that depend on it; nothing where there are none. */
export function Dependencies({ title, jobs }: DependenciesProps) {
  if (jobs.length === 0) return null;
  return (
    <section className={css.part} aria-label={title}>
      <h3>
        {title} <span className="muted">· {countOf(jobs.length)}</span>
      </h3>
      <ul className={css.jobs}>
        {jobs.slice(0, SHOWN).map(({ id, kind, state }) => (
          <li key={id}>
            <Link
              from="/jobs/$id"
              to="/jobs/$id"
              params={{ id }}
              search={(previous) => previous}
              resetScroll={false}
            >
              {kind} <span className="numbers">{id}</span>
            </Link>
            <StateBadge state={state} />
          </li>
        ))}
        {jobs.length > SHOWN && (
          <li className="muted">and {formatCount(jobs.length - SHOWN)} more</li>
        )}
      </ul>
    </section>
  );
}

function countOf(count: number): string {
  return `${formatCount(count)}${count >= TOLD ? " or more" : ""}`;
}
