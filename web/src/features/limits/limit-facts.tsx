import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Countdown } from "../../components/countdown";
import { Timestamp } from "../../components/timestamp";
import { formatCount, formatDollars, formatSeconds } from "../../lib/numbers";
import css from "./limit-facts.module.css";
import { NextPermit } from "./moments";
import type { Limit } from "./standing";

/** Everything about a key that is no window. */
export function LimitFacts({ limit }: { limit: Limit }) {
  const { spent_today, reserve, breaker } = limit;
  return (
    <dl className={`${css.facts} numbers`}>
      <Fact name="Next permit">
        <NextPermit limit={limit} />
      </Fact>
      <Fact name="Calls in flight">
        {formatCount(limit.in_flight)}
        {limit.in_flight_cap != null && ` of at most ${formatCount(limit.in_flight_cap)}`}
      </Fact>
      <Fact name="Jobs waiting">
        {limit.waiting > 0 ? (
          <Link to="/jobs" search={{ state: "parked" }}>
            {formatCount(limit.waiting)}
          </Link>
        ) : (
          "none"
        )}
      </Fact>
      <Fact name="Spent today">
        {formatCount(spent_today.requests)} calls, {formatCount(spent_today.tokens)} tokens,{" "}
        {formatDollars(spent_today.micros)}
      </Fact>
      <Fact name="A call counts">
        {limit.counts_from === "finish"
          ? "while in flight, and for the window’s length after its end"
          : "from its start"}
      </Fact>
      {breaker && (
        <Fact name="Breaker">
          {breaker.state.replace("_", "-")}
          {breaker.state === "open" && breaker.open_until != null && (
            <>
              {" "}
              <Countdown to={breaker.open_until} prefix="for " over="" />
            </>
          )}
          {breaker.threshold == null
            ? ", opened by hand only"
            : `, ${formatCount(breaker.failures)} of ${formatCount(breaker.threshold)} failures in a row; opens for ${formatSeconds(breaker.cooldown_seconds)} at first`}
        </Fact>
      )}
      {reserve && (
        <Fact name="Reserve">
          {Math.round(reserve.share * 100)} % for jobs of priority {reserve.priority} and before
        </Fact>
      )}
      {limit.parent != null && (
        <Fact name="Part of">
          <Link to="/limits" search={{ key: limit.parent }} resetScroll={false}>
            {limit.parent}
          </Link>
        </Fact>
      )}
      {limit.retires_at != null && (
        <Fact name="Model retires">
          <Timestamp at={limit.retires_at} />, on {limit.retires_at.slice(0, 10)}
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
