import type { Schemas } from "../../api/client";
import { formatCount, formatDollars } from "../../lib/numbers";
import { day } from "../../lib/scale";
import css from "./spending-table.module.css";

type Day = Schemas["LimitDetail"]["days"][number];

/** What each day took, the newest first; the bar is its share of the dearest day. */
export function SpendingTable({ days }: { days: readonly Day[] }) {
  if (days.length === 0) return <p className="muted">Nothing has been spent yet.</p>;
  const dear = days.some(({ micros }) => micros > 0);
  const size = ({ micros, requests }: Day) => (dear ? micros : requests);
  const most = Math.max(1, ...days.map(size));
  const newest = days.toSorted((a, b) => b.day.localeCompare(a.day));
  return (
    <table className={`${css.days} numbers`}>
      <thead>
        <tr>
          <th scope="col">Day</th>
          <th scope="col">Calls</th>
          <th scope="col">Tokens</th>
          <th scope="col">Cost</th>
          <td aria-hidden="true" className={css.bars} />
        </tr>
      </thead>
      <tbody>
        {newest.map((each) => (
          <tr key={each.day}>
            <th scope="row">{day(each.day)}</th>
            <td>{formatCount(each.requests)}</td>
            <td>{formatCount(each.tokens)}</td>
            <td>{formatDollars(each.micros)}</td>
            <td aria-hidden="true" className={css.bars}>
              <span className={css.bar} style={{ width: `${(size(each) / most) * 100}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
