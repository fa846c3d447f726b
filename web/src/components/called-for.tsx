import { Link } from "@tanstack/react-router";
import type { Schemas } from "../api/client";
import { formatCount } from "../lib/numbers";
import css from "./called-for.module.css";

/** What a command has set going, and where that can be watched. */
export function CalledFor({ jobs }: { jobs: Schemas["Triggered"]["jobs"] }) {
  const [first, ...others] = jobs;
  return (
    <p className={css.note} role="status">
      {first === undefined ? (
        "There is nothing to do."
      ) : (
        <>
          Called for:{" "}
          {others.length === 0 ? (
            <Link to="/jobs/$id" params={{ id: first.id }}>
              {first.kind} {first.id}
            </Link>
          ) : (
            <Link to="/jobs" search={{ kind: first.kind }}>
              {formatCount(jobs.length)} jobs of {first.kind}
            </Link>
          )}
        </>
      )}
    </p>
  );
}
