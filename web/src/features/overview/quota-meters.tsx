import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Meter } from "../../components/meter";
import { formatDollars, formatSeconds, formatShort } from "../../lib/numbers";
import css from "./quota-meters.module.css";

/** Shorter windows pace calls; they are never what runs out. */
const QUOTA_SECONDS = 60;

/** The fullest quota of each key that has one, and every key that is parked. */
export function QuotaMeters({ limits }: { limits: readonly Schemas["Limit"][] }) {
  const now = Date.now();
  const rows = limits.flatMap((limit) => {
    const parked = limit.parked_until != null && Date.parse(limit.parked_until) > now;
    const window = limit.windows
      .filter(({ period_seconds }) => period_seconds == null || period_seconds >= QUOTA_SECONDS)
      .sort((a, b) => share(a) - share(b))[0];
    return window || parked ? [{ limit, window, parked }] : [];
  });
  if (rows.length === 0) return <p className="muted">No provider has a quota.</p>;
  return (
    <ul className={css.meters}>
      {rows.map(({ limit, window, parked }) => (
        <li key={limit.key}>
          <Link to="/limits" search={{ key: limit.key }} className={css.key} title={limit.key}>
            {limit.key}
          </Link>
          {window && <Meter used={window.used} of={window.amount} label={`${limit.key} used`} />}
          <span className={`${css.amount} numbers`}>
            {parked
              ? "parked"
              : window &&
                `${amount(window, window.used)} of ${amount(window, window.amount)} / ${period(window)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

type Window = Schemas["Limit"]["windows"][number];

/** The part that is left. */
function share({ remaining, amount }: Window): number {
  return amount > 0 ? remaining / amount : 0;
}

function amount({ dimension }: Window, value: number): string {
  return dimension === "money" ? formatDollars(value) : formatShort(value);
}

function period({ period_seconds, calendar }: Window): string {
  return calendar ? calendar.unit : formatSeconds(period_seconds ?? 0);
}
