import { useQuery } from "@tanstack/react-query";
import { queuesQuery } from "../../api/queries";
import { formatCount, formatDollars } from "../../lib/numbers";
import { useStore } from "../../lib/store";
import { now } from "../../lib/time";
import css from "./limits-summary.module.css";
import { type Limit, standingOf } from "./standing";

/** All limits in one line. */
export function LimitsSummary({ limits }: { limits: readonly Limit[] }) {
  const present = useStore(now);
  const queues = useQuery(queuesQuery);
  const closed = limits.filter((limit) => {
    const { tone } = standingOf(limit, present);
    return tone === "held" || tone === "bad";
  });
  const sum = (of: (limit: Limit) => number) => limits.reduce((total, each) => total + of(each), 0);
  // a job that two keys may serve waits for both of them, and is one
  const waiting = queues.data?.items.reduce((total, { depth }) => total + (depth.parked ?? 0), 0);
  return (
    <dl className={`${css.summary} numbers`}>
      <div>
        <dt>Keys open</dt>
        <dd data-tone={closed.length > 0 ? "held" : undefined}>
          {formatCount(limits.length - closed.length)} of {formatCount(limits.length)}
        </dd>
      </div>
      <div>
        <dt>Jobs waiting</dt>
        <dd data-tone={waiting ? "held" : undefined}>
          {waiting === undefined ? "–" : formatCount(waiting)}
        </dd>
      </div>
      <div>
        <dt>Calls in flight</dt>
        <dd>{formatCount(sum(({ in_flight }) => in_flight))}</dd>
      </div>
      <div>
        <dt>Calls today</dt>
        <dd>{formatCount(sum(({ spent_today }) => spent_today.requests))}</dd>
      </div>
      <div>
        <dt>Cost today</dt>
        <dd>{formatDollars(sum(({ spent_today }) => spent_today.micros))}</dd>
      </div>
    </dl>
  );
}
