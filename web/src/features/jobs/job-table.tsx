import { getRouteApi, Link, useParams } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import table from "../../components/data-table.module.css";
import { StateBadge } from "../../components/state-badge";
import { Timestamp } from "../../components/timestamp";
import { formatMillis } from "../../lib/numbers";
import css from "./job-table.module.css";

const route = getRouteApi("/jobs");

export function JobTable({ jobs }: { jobs: readonly Schemas["Job"][] }) {
  const search = route.useSearch();
  const chosen = useParams({ strict: false }).id;
  return (
    <div className={table.scroll}>
      <table className={`${table.table} ${css.jobs}`} data-narrow={chosen !== undefined}>
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Arguments and last error</th>
            <th scope="col">Added</th>
            <th scope="col" className={table.right}>
              Attempt
            </th>
            <th scope="col" className={table.right}>
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id} data-chosen={job.id === chosen}>
              <th scope="row">
                <Link
                  to="/jobs/$id"
                  params={{ id: job.id }}
                  search={search}
                  resetScroll={false}
                  className={css.link}
                >
                  <span className={css.kind}>{job.kind}</span>{" "}
                  <span className="muted numbers">{job.id}</span>
                </Link>
              </th>
              <td className={css.state}>
                <StateBadge state={job.state} />
              </td>
              <td className={`${css.about} ${table.wide}`}>
                <code className={css.args}>{JSON.stringify(job.args)}</code>
                {job.error && <span className={css.error}>{job.error}</span>}
              </td>
              <td className={css.nowrap} data-label="Added">
                <Timestamp at={job.created_at} />
              </td>
              <td className={`${table.right} numbers`} data-label="Attempt">
                {job.attempt} of {job.max_attempts}
              </td>
              <td className={`${table.right} ${css.nowrap} numbers ${css.took}`}>{took(job)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function took({ started_at, finished_at }: Schemas["Job"]): string {
  if (!started_at || !finished_at) return "";
  return formatMillis(Math.max(0, Date.parse(finished_at) - Date.parse(started_at)));
}
