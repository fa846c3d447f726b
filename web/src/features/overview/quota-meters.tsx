import type { Schemas } from "../../api/client";
import { Meter } from "../../components/meter";
import { formatSeconds } from "../../lib/numbers";
import css from "./quota-meters.module.css";

/** Shorter windows pace calls; they are never what runs out. */
const QUOTA_SECONDS = 60;

/** The fullest quota of each key that has one, and every key that is parked. */
export function QuotaMeters({ limits }: { limits: readonly Schemas["Limit"][] }) {
  const now = Date.now();
  const rows = limits.flatMap((limit) => {
    const parked = limit.parked_until != null && Date.parse(limit.parked_until) > now;
    const window = limit.windows
      .filter(({ period_seconds }) => period_seconds >= QUOTA_SECONDS)
      .sort((a, b) => a.remaining / a.amount - b.remaining / b.amount)[0];
    return window || parked ? [{ limit, window, parked }] : [];
  });
  if (rows.length === 0) return <p className="muted">No provider has a quota.</p>;
  return (
    <ul className={css.meters}>
      {rows.map(({ limit, window, parked }) => (
        <li key={limit.key}>
          <span className={css.key} title={limit.key}>
            {limit.key}
          </span>
          {window && <Meter used={window.used} of={window.amount} label={`${limit.key} used`} />}
          <span className={`${css.amount} numbers`}>
            {parked
              ? "parked"
              : window &&
                `${window.used} of ${window.amount} / ${formatSeconds(window.period_seconds)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
