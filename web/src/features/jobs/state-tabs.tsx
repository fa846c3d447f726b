import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { JOB_STATES, type JobState } from "../../api/job-states";
import tabs from "../../components/tabs.module.css";
import { formatCount } from "../../lib/numbers";
import type { JobsSearch } from "./search";

interface StateTabsProps {
  queues: readonly Schemas["Queue"][] | undefined;
  search: JobsSearch;
}

/** A tab for each state, counted over the chosen queue or all of them. */
export function StateTabs({ queues, search }: StateTabsProps) {
  const counted = queues?.filter(({ name }) => !search.queue || name === search.queue);
  const count = (state: JobState) =>
    counted?.reduce((sum, { depth }) => sum + (depth[state] ?? 0), 0);
  const all = counted && JOB_STATES.reduce((sum, { state }) => sum + (count(state) ?? 0), 0);
  return (
    <nav className={tabs.tabs} aria-label="Job states">
      <Tab name="all" state={undefined} count={all} search={search} />
      {JOB_STATES.map(({ state, meaning }) => (
        <Tab
          key={state}
          name={state}
          state={state}
          count={count(state)}
          search={search}
          title={meaning}
        />
      ))}
    </nav>
  );
}

interface TabProps {
  name: string;
  state: JobState | undefined;
  count: number | undefined;
  search: JobsSearch;
  title?: string;
}

function Tab({ name, state, count, search, title }: TabProps) {
  const on = search.state === state;
  return (
    <Link
      to="/jobs"
      search={{ ...search, state }}
      className={tabs.tab}
      data-on={on}
      activeProps={{ "aria-current": undefined }}
      aria-current={on ? "page" : undefined}
      title={title}
    >
      {name}
      <span className={tabs.count}>{count === undefined ? "–" : formatCount(count)}</span>
    </Link>
  );
}
