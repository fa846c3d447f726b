import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import table from "../../components/data-table.module.css";
import { Empty } from "../../components/empty";
import { formatCount } from "../../lib/numbers";
import css from "./kind-table.module.css";
import { Percentiles } from "./percentiles";

type Kind = Schemas["Stats"]["kinds"][number];

/** The same range by kind of job; a kind leads to its own charts. */
export function KindTable({ kinds }: { kinds: readonly Kind[] }) {
  if (kinds.length === 0) return <Empty title="Nothing happened in this range." />;
  return (
    <div className={`${table.scroll} ${css.kinds}`}>
      <table className={table.table}>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col">Queue</th>
            <th scope="col" className={table.right}>
              Completed
            </th>
            <th scope="col" className={table.right}>
              Failed
            </th>
            <th scope="col" className={table.right}>
              Discarded
            </th>
            <th scope="col">Wait p50 / p95 / p99</th>
            <th scope="col">Run p50 / p95 / p99</th>
          </tr>
        </thead>
        <tbody className="numbers">
          {kinds.map((each) => (
            <tr key={`${each.queue}/${each.kind}`}>
              <th scope="row">
                <Link
                  from="/system"
                  to="."
                  search={(previous) => ({ ...previous, kind: each.kind })}
                  resetScroll={false}
                >
                  {each.kind}
                </Link>
              </th>
              <td data-label="Queue">{each.queue}</td>
              <td className={table.right} data-label="Completed">
                {formatCount(each.completed)}
              </td>
              <td className={table.right} data-label="Failed">
                {formatCount(each.failed)}
              </td>
              <td className={table.right} data-label="Discarded">
                {each.discarded > 0 ? (
                  <Link to="/jobs" search={{ state: "discarded", kind: each.kind }}>
                    {formatCount(each.discarded)}
                  </Link>
                ) : (
                  0
                )}
              </td>
              <td data-label="Wait p50 / p95 / p99">
                <Percentiles of={each.wait_ms} />
              </td>
              <td data-label="Run p50 / p95 / p99">
                <Percentiles of={each.run_ms} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
