import { getRouteApi, Link, useParams } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import table from "../../components/data-table.module.css";
import { StateBadge } from "../../components/state-badge";
import { Timestamp } from "../../components/timestamp";
import { formatMillis } from "../../lib/numbers";
import css from "./job-table.module.css";

const route = getRouteApi("/jobs");

interface JobTableProps {
  jobs: readonly Schemas["Job"][];
  selected: ReadonlySet<string>;
  onSelect: (ids: ReadonlySet<string>) => void;
}

export function JobTable({ jobs, selected, onSelect }: JobTableProps) {
  const search = route.useSearch();
  const chosen = useParams({ strict: false }).id;
  const all = jobs.length > 0 && jobs.every(({ id }) => selected.has(id));
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  return (
    <div className={table.scroll}>
      <table className={`${table.table} ${css.jobs}`} data-narrow={chosen !== undefined}>
        <thead>
          <tr>
            <th scope="col" className={css.select}>
              <input
                type="checkbox"
                aria-label="Select all that are shown"
                checked={all}
                onChange={() => onSelect(all ? new Set() : new Set(jobs.map(({ id }) => id)))}
              />
            </th>
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
              <td className={css.select}>
                <input
                  type="checkbox"
                  aria-label={`Select job ${job.id}`}
                  checked={selected.has(job.id)}
                  onChange={() => toggle(job.id)}
                />
              </td>
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
