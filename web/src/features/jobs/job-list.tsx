import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { JOB_STATES } from "../../api/job-states";
import { queuesQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { formatCount } from "../../lib/numbers";
import { BulkBar } from "./bulk-bar";
import { useHeld } from "./hold";
import { JobFilters } from "./job-filters";
import css from "./job-list.module.css";
import { JobTable } from "./job-table";
import { FIRST_ROWS, jobsQuery, kindsQuery, MOST_ROWS } from "./queries";
import type { JobsSearch } from "./search";
import { StateTabs } from "./state-tabs";
import { isEmpty, useSelection } from "./use-selection";

const route = getRouteApi("/jobs");

/** The filters of the list; the tabs show the count of each state. */
export function JobListHead() {
  const search = route.useSearch();
  const queues = useQuery(queuesQuery);
  const kinds = useQuery(kindsQuery);
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
    </Panel>
  );
}

/** The matching jobs; the rows are held while one is open or some are selected. */
export function JobList() {
  const search = route.useSearch();
  const list = JSON.stringify(search);
  const open = useParams({ strict: false }).id !== undefined;
  const queues = useQuery(queuesQuery);
  const [grown, grow] = useState({ list, rows: FIRST_ROWS });
  const rows = grown.list === list ? grown.rows : FIRST_ROWS;
  const jobs = useInfiniteQuery({ ...jobsQuery(search, rows), placeholderData: keepPreviousData });
  const [selection, select] = useSelection(list);
  const [held, showLive] = useHeld(
    {
      // rows of the filters of before belong to another list
      list: jobs.isPlaceholderData && rows === FIRST_ROWS ? "" : list,
      jobs: jobs.data?.pages.flatMap((page) => page.items) ?? [],
      whole: !jobs.hasNextPage,
    },
    open || !isEmpty(selection),
  );
  const searchedTo = jobs.data?.pages.at(-1)?.searched_to;
  const loading = jobs.isFetchingNextPage || (jobs.isPlaceholderData && rows > FIRST_ROWS);
  const loadMore = () => {
    // a search by text goes on where its time ran out
    if (searchedTo || rows === MOST_ROWS) return jobs.fetchNextPage();
    return grow({ list, rows: Math.min(2 * rows, MOST_ROWS) });
  };
  const filtered = Object.values(search).some(Boolean);

  return (
    <section className={css.box} aria-label="Matching jobs">
      <BulkBar
        search={search}
        selection={selection}
        shown={held.jobs.map(({ id }) => id)}
        matching={count(search, queues.data?.items)}
        onSelect={select}
      />
      {held.fresh > 0 && (
        <div className={css.fresh}>
          <Button look="primary" onClick={showLive}>
            {formatCount(held.fresh)}
            {held.fresh >= rows && "+"} new – show
          </Button>
        </div>
      )}
      <Loaded query={jobs} label="jobs" rows={16}>
        {() =>
          held.jobs.length === 0 ? (
            <Empty title={emptyTitle(filtered, searchedTo)}>
              {filtered ? (
                <Link to="/jobs">Show all jobs</Link>
              ) : (
                "Enqueue one, or wait for the schedule."
              )}
            </Empty>
          ) : (
            <div className={css.rows} data-waiting={jobs.isPlaceholderData}>
              <JobTable jobs={held.jobs} gone={held.gone} selection={selection} onSelect={select} />
            </div>
          )
        }
      </Loaded>
      {jobs.data && (
        <footer className={css.foot}>
          <span className="muted" role="status">
            {formatCount(held.jobs.length)} shown
            {jobs.hasNextPage ? ", there are more" : ""}
            {searchedTo && ` · searched back to job ${searchedTo}`}
          </span>
          {jobs.hasNextPage && (
            <Button onClick={loadMore} disabled={loading}>
              {loading ? "Loading…" : "Load more"}
            </Button>
          )}
        </footer>
      )}
    </section>
  );
}

/** How many jobs match, as the tabs count them; `null` for filters that the tabs do not know. */
function count(search: JobsSearch, queues: readonly Schemas["Queue"][] | undefined): number | null {
  if (!queues || search.kind || search.tag || search.q) return null;
  const states = search.state ? [search.state] : JOB_STATES.map(({ state }) => state);
  return queues
    .filter(({ name }) => !search.queue || name === search.queue)
    .flatMap(({ depth }) => states.map((state) => depth[state] ?? 0))
    .reduce((sum, depth) => sum + depth, 0);
}

/** A search that ran out of time has not seen every job. */
function emptyTitle(filtered: boolean, searchedTo: string | null | undefined): string {
  if (searchedTo) return "No job fits these filters so far.";
  return filtered ? "No job fits these filters." : "There are no jobs yet.";
}
