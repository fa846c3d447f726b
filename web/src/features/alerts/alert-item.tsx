import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { Change } from "../../components/change";
import { Timestamp } from "../../components/timestamp";
import { formatPrice } from "../../lib/decimal";
import css from "./alert-item.module.css";
import { AlertValues } from "./alert-values";

const SEVERITIES = {
  critical: { tone: "bad", mark: "▲▲" },
  warning: { tone: "warn", mark: "▲" },
  info: { tone: "active", mark: "●" },
} as const;

interface AlertItemProps {
  alert: Schemas["Alert"];
  /** The present price of its symbol. */
  quote: Schemas["Quote"] | null | undefined;
}

/** One episode of one rule, with the values that led to it and, while it fires, the price now. */
export function AlertItem({ alert, quote }: AlertItemProps) {
  const { tone, mark } = SEVERITIES[alert.severity];
  return (
    <li>
      <details className={css.alert}>
        <summary>
          <span className={css.line}>
            <Badge tone={tone}>
              <span aria-hidden="true">{mark}</span> {alert.severity}
            </Badge>
            <span className={css.title}>{alert.title}</span>
            {alert.state === "firing" && quote?.price != null && (
              <span className={css.now}>
                now {formatPrice(quote.price, quote.currency)}{" "}
                {quote.change_percent != null && <Change percent={quote.change_percent} />}
              </span>
            )}
            <span className={css.when}>
              <Phase alert={alert} />
            </span>
          </span>
        </summary>
        <div className={css.body}>
          <dl className={css.facts}>
            <Fact name="Rule">
              {alert.kind.replaceAll("_", " ")} (rule {alert.rule})
            </Fact>
            {alert.symbol && (
              <Fact name="Symbol">
                <Link to="/" search={{ symbol: alert.symbol }}>
                  {alert.symbol}
                </Link>
              </Fact>
            )}
            <Moment name="Pending" at={alert.pending_at} />
            <Moment name="Fired" at={alert.fired_at} />
            <Moment name="Resolved" at={alert.resolved_at} />
            <Moment name="Snoozed until" at={alert.snoozed_until} />
            {alert.acknowledged_at && (
              <Fact name="Acknowledged">
                <Timestamp at={alert.acknowledged_at} /> by {alert.acknowledged_by ?? "an operator"}
              </Fact>
            )}
          </dl>
          <AlertValues detail={alert.detail} />
        </div>
      </details>
    </li>
  );
}

/** When the episode came to where it stands. */
function Phase({ alert }: { alert: Schemas["Alert"] }) {
  const at = { pending: alert.pending_at, firing: alert.fired_at, resolved: alert.resolved_at }[
    alert.state
  ];
  return at ? (
    <Timestamp at={at} prefix={alert.state === "firing" ? "fired " : `${alert.state} `} />
  ) : (
    alert.state
  );
}

function Moment({ name, at }: { name: string; at: string | null | undefined }) {
  return at ? (
    <Fact name={name}>
      <Timestamp at={at} />
    </Fact>
  ) : null;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
