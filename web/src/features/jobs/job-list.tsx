import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { queuesQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { formatCount } from "../../lib/numbers";
import { BulkBar } from "./bulk-bar";
import { JobFilters } from "./job-filters";
import css from "./job-list.module.css";
import { JobTable } from "./job-table";
import { jobsQuery, kindsQuery } from "./queries";
import { StateTabs } from "./state-tabs";
import { useSelection } from "./use-selection";

const route = getRouteApi("/jobs");

export function JobList() {
  const search = route.useSearch();
  const queues = useQuery(queuesQuery);
  const jobs = useInfiniteQuery(jobsQuery(search));
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  const searchedTo = jobs.data?.pages.at(-1)?.searched_to;
  const filtered = Object.values(search).some(Boolean);
  const kinds = useQuery(kindsQuery);
  const [selected, select] = useSelection(JSON.stringify(search));
  const chosen = items.filter(({ id }) => selected.has(id)).map(({ id }) => id);

  return (
    <Panel
      title="List"
      scope={`Tabs count all jobs ${search.queue ? `of the queue ${search.queue}` : "of every queue"}, whatever the other filters`}
    >
      <StateTabs queues={queues.data?.items} search={search} />
      <JobFilters
        search={search}
        queues={queues.data?.items.map(({ name }) => name) ?? []}
        kinds={kinds.data?.items.map(({ kind }) => kind) ?? []}
      />
      <BulkBar search={search} chosen={chosen} onClear={() => select(new Set())} />
      <Loaded query={jobs} label="jobs" rows={8}>
        {() =>
          items.length === 0 ? (
            <Empty title={emptyTitle(filtered, searchedTo)}>
              {filtered ? (
                <Link to="/jobs">Show all jobs</Link>
              ) : (
                "Enqueue one, or wait for the schedule."
              )}
            </Empty>
          ) : (
            <JobTable jobs={items} selected={selected} onSelect={select} />
          )
        }
      </Loaded>
      {jobs.data && (
        <footer className={css.foot}>
          <span className="muted" role="status">
            {formatCount(items.length)} shown
            {jobs.hasNextPage ? ", there are more" : ""}
            {searchedTo && ` · searched back to job ${searchedTo}`}
          </span>
          {jobs.hasNextPage && (
            <Button onClick={() => jobs.fetchNextPage()} disabled={jobs.isFetchingNextPage}>
              {jobs.isFetchingNextPage ? "Loading…" : "Load more"}
            </Button>
          )}
        </footer>
      )}
    </Panel>
  );
}

/** A search that ran out of time has not seen every job. */
function emptyTitle(filtered: boolean, searchedTo: string | null | undefined): string {
  if (searchedTo) return "No job fits these filters so far.";
  return filtered ? "No job fits these filters." : "There are no jobs yet.";
}
