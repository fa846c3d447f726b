import { type UseQueryResult, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { describe } from "../../api/problem";
import { alertsQuery, limitsQuery, queuesQuery } from "../../api/queries";
import { Timestamp } from "../../components/timestamp";
import { formatCount } from "../../lib/numbers";
import { QuotaMeters } from "./quota-meters";
import css from "./summary-strip.module.css";

/** The state of alerts, jobs and limits at a glance. */
export function SummaryStrip() {
  const alerts = useInfiniteQuery(alertsQuery("firing"));
  const queues = useQuery(queuesQuery);
  const limits = useQuery(limitsQuery);

  const firing = alerts.data?.pages.flatMap((page) => page.items);
  const newest = firing?.[0];
  const depth = (state: string) =>
    queues.data?.items.reduce((sum, queue) => sum + (queue.depth[state] ?? 0), 0);
  const rate = queues.data?.items.reduce((sum, queue) => sum + queue.completed_per_minute, 0);
  const [retrying, discarded, parked] = [depth("retryable"), depth("discarded"), depth("parked")];

  return (
    <section className={css.strip} aria-label="Now">
      <Figure
        name="Firing alerts"
        value={firing && `${formatCount(firing.length)}${alerts.hasNextPage ? "+" : ""}`}
        tone={firing?.length ? "bad" : undefined}
        query={alerts}
        link={<Link to="/alerts">{newest ? "See alerts" : "Alert history"}</Link>}
      >
        {newest ? (
          <>
            {newest.title} {newest.fired_at && <Timestamp at={newest.fired_at} prefix="· " />}
          </>
        ) : (
          "nothing is firing"
        )}
      </Figure>
      <Figure
        name="Jobs per minute"
        value={rate?.toFixed(1)}
        query={queues}
        link={<Link to="/jobs">See jobs</Link>}
      >
        completed, over 5 minutes
        {parked ? `; ${formatCount(parked)} wait for a limit` : ""}
      </Figure>
      <Figure
        name="Failing jobs"
        value={
          retrying !== undefined && discarded !== undefined
            ? formatCount(retrying + discarded)
            : undefined
        }
        tone={discarded ? "bad" : retrying ? "warn" : undefined}
        query={queues}
        link={
          <Link to="/jobs" search={{ state: discarded ? "discarded" : "retryable" }}>
            See failing jobs
          </Link>
        }
      >
        {retrying} to be retried, {discarded} given up
      </Figure>
      <div className={`${css.figure} ${css.quotas}`} data-stale={isStale(limits)}>
        <h2 className={css.name}>Provider limits</h2>
        {limits.data ? (
          <QuotaMeters limits={limits.data.items} />
        ) : (
          <p className={css.note}>{limits.error ? describe(limits.error).title : "…"}</p>
        )}
        <span className={css.link}>
          <Stale query={limits} />
          <Link to="/limits">See limits</Link>
        </span>
      </div>
    </section>
  );
}

type Read = Pick<UseQueryResult, "data" | "error" | "dataUpdatedAt">;

function isStale({ data, error }: Read): boolean {
  return data !== undefined && error !== null;
}

/** The age of a figure whose newest reading failed. */
function Stale({ query }: { query: Read }) {
  if (!isStale(query)) return null;
  return (
    <span className={css.stale} title={describe(query.error).title}>
      as of <Timestamp at={new Date(query.dataUpdatedAt).toISOString()} />
    </span>
  );
}

interface FigureProps {
  name: string;
  value: string | undefined;
  tone?: "bad" | "warn" | undefined;
  query: Read;
  link: ReactNode;
  children: ReactNode;
}

function Figure({ name, value, tone, query, link, children }: FigureProps) {
  const { error } = query;
  return (
    <div className={css.figure} data-stale={isStale(query)}>
      <h2 className={css.name}>{name}</h2>
      <p className={`${css.value} numbers`} data-tone={tone}>
        {value ?? "–"}
      </p>
      <p className={css.note}>
        {value !== undefined ? children : error ? describe(error).title : "…"}
      </p>
      <span className={css.link}>
        <Stale query={query} />
        {link}
      </span>
    </div>
  );
}
