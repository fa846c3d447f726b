import { getRouteApi, Link, useParams } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import table from "../../components/data-table.module.css";
import { StateBadge } from "../../components/state-badge";
import { Timestamp } from "../../components/timestamp";
import { formatMillis } from "../../lib/numbers";
import css from "./job-table.module.css";
import type { Selection } from "./use-selection";

const route = getRouteApi("/jobs");

interface JobTableProps {
  jobs: readonly Schemas["Job"][];
  /** Shown jobs that have left the list. */
  gone: ReadonlySet<string>;
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

export function JobTable({ jobs, gone, selection, onSelect }: JobTableProps) {
  const search = route.useSearch();
  const chosen = useParams({ strict: false }).id;
  const shown = jobs.map(({ id }) => id);
  const selected = (id: string) => selection === "matching" || selection.ids.has(id);
  const all = shown.every(selected);
  const toggle = (id: string) => {
    // of all that match, those that are shown stay selected
    const ids = new Set(selection === "matching" ? shown : selection.ids);
    if (!ids.delete(id)) ids.add(id);
    onSelect({ ids });
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
                onChange={() => onSelect({ ids: new Set(all ? [] : shown) })}
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
            <tr key={job.id} data-chosen={job.id === chosen} data-gone={gone.has(job.id)}>
              <td className={css.select}>
                <input
                  type="checkbox"
                  aria-label={`Select job ${job.id}`}
                  checked={selected(job.id)}
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
                  data-job={job.id}
                >
                  <span className={css.kind}>{job.kind}</span>{" "}
                  <span className="muted numbers">{job.id}</span>
                </Link>
              </th>
              <td className={css.state}>
                {gone.has(job.id) ? (
                  <Badge title="Deleted, or changed so that the filters do not match any more">
                    left the list
                  </Badge>
                ) : (
                  <StateBadge state={job.state} />
                )}
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
