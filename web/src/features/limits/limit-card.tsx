import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Badge } from "../../components/badge";
import { Meter } from "../../components/meter";
import { Sparkline } from "../../components/sparkline";
import { formatCount, formatDollars } from "../../lib/numbers";
import { useStore } from "../../lib/store";
import { now } from "../../lib/time";
import css from "./limit-card.module.css";
import { Forecast, NextPermit, Until } from "./moments";
import { limitQuery } from "./queries";
import { amountOf, type Limit, type LimitWindow, paces, standingOf, windowName } from "./standing";

/** One key at a glance; all of it leads to the rest. */
export function LimitCard({ limit, chosen }: { limit: Limit; chosen: boolean }) {
  const standing = standingOf(limit, useStore(now));
  const { data } = useQuery(limitQuery(limit.key));
  return (
    <article className={css.card} data-chosen={chosen} aria-label={limit.key}>
      <header className={css.head}>
        <h2>
          <Link
            to="/limits"
            search={{ key: chosen ? undefined : limit.key }}
            resetScroll={false}
            className={css.link}
            aria-current={chosen ? "true" : undefined}
            activeProps={{ "aria-current": undefined }}
          >
            {limit.key}
          </Link>
        </h2>
        <Badge tone={standing.tone}>{standing.word}</Badge>
        {standing.until && (
          <span className={css.until}>
            <Until at={standing.until} />
          </span>
        )}
        {standing.why && <p className={css.why}>{standing.why}</p>}
      </header>
      <ul className={css.windows}>
        {limit.windows.map((window) => (
          <WindowRow
            key={window.no}
            name={limit.key}
            window={window}
            points={data?.history.find(({ no }) => no === window.no)?.points ?? []}
          />
        ))}
        {limit.windows.length === 0 && <li className="muted">No window: it always serves.</li>}
      </ul>
      <dl className={`${css.facts} numbers`}>
        <div>
          <dt>Next permit</dt>
          <dd>
            <NextPermit limit={limit} />
          </dd>
        </div>
        <div>
          <dt>In flight</dt>
          <dd>
            {formatCount(limit.in_flight)}
            {limit.in_flight_cap != null && ` of ${formatCount(limit.in_flight_cap)}`}
          </dd>
        </div>
        <div>
          <dt>Jobs waiting</dt>
          <dd>{formatCount(limit.waiting)}</dd>
        </div>
        <div>
          <dt>Today</dt>
          <dd>
            {limit.spent_today.micros > 0
              ? formatDollars(limit.spent_today.micros)
              : countCalls(limit.spent_today.requests)}
          </dd>
        </div>
      </dl>
    </article>
  );
}

interface WindowRowProps {
  name: string;
  window: LimitWindow;
  points: readonly { used: number }[];
}

/** How much of a window is used, and how that came about over its length. */
function WindowRow({ name, window, points }: WindowRowProps) {
  const { used, amount, remaining } = window;
  return (
    <li className={css.window}>
      <span className={css.name}>
        <strong className="numbers">
          {amountOf(window, used)} of {amountOf(window, amount)}
        </strong>{" "}
        {windowName(window)}
        {window.override_until != null && (
          <>
            {" "}
            <Badge tone="later">overridden</Badge>
          </>
        )}
      </span>
      <Meter used={used} of={amount} label={`${name}, ${windowName(window)}`} />
      <span className={`${css.left} numbers`}>
        {amountOf(window, Math.max(0, remaining))} left
        <Forecast window={window} />
      </span>
      {!paces(window) && points.length > 1 && (
        <span className={css.spark}>
          <Sparkline
            values={points.map((point) => Math.max(0, amount - point.used))}
            range={[0, amount]}
            label={`${windowName(window)} left over the window’s length`}
          />
        </span>
      )}
    </li>
  );
}

function countCalls(count: number): string {
  return `${formatCount(count)} call${count === 1 ? "" : "s"}`;
}
