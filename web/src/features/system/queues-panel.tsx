import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { JOB_STATES } from "../../api/job-states";
import { queuesQuery } from "../../api/queries";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import table from "../../components/data-table.module.css";
import { Failure } from "../../components/failure";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { formatCount, formatSeconds } from "../../lib/numbers";
import { ConcurrencyDialog } from "./concurrency-dialog";
import { Percentiles } from "./percentiles";
import { useQueueCommand } from "./queries";
import css from "./system.module.css";

export function QueuesPanel() {
  const queues = useQuery(queuesQuery);
  return (
    <Panel title="Queues" scope="Waits and runs over the last hour, throughput over 5 minutes">
      <Loaded query={queues} label="queues" rows={4}>
        {({ items }) => (
          <div className={table.scroll}>
            <table className={table.table}>
              <thead>
                <tr>
                  <th scope="col">Queue</th>
                  <th scope="col">Jobs by state</th>
                  <th scope="col">Oldest</th>
                  <th scope="col">Completed</th>
                  <th scope="col">At a time</th>
                  <th scope="col">Wait p50 / p95 / p99</th>
                  <th scope="col">Run p50 / p95 / p99</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody className="numbers">
                {items.map((queue) => (
                  <QueueRow key={queue.name} queue={queue} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function QueueRow({ queue }: { queue: Schemas["Queue"] }) {
  const command = useQueueCommand(queue.name);
  const [changing, setChanging] = useState(false);
  const present = JOB_STATES.filter(({ state }) => queue.depth[state]);
  return (
    <tr>
      <th scope="row">
        <Link to="/jobs" search={{ queue: queue.name }}>
          {queue.name}
        </Link>{" "}
        {queue.paused && <Badge tone="warn">paused</Badge>}
      </th>
      <td className={table.wide}>
        <ul className={css.states}>
          {present.map(({ state, tone }) => (
            <li key={state}>
              <Link
                to="/jobs"
                search={{ queue: queue.name, state }}
                style={{ color: `var(--${tone})` }}
              >
                {formatCount(queue.depth[state] ?? 0)} {state}
              </Link>
            </li>
          ))}
          {present.length === 0 && <li className="muted">none</li>}
        </ul>
      </td>
      <td data-label="Oldest" className={css.nowrap}>
        {queue.oldest_age_seconds == null ? "–" : formatSeconds(queue.oldest_age_seconds)}
      </td>
      <td data-label="Completed" className={css.nowrap}>
        {queue.completed_per_minute.toFixed(1)} / min
      </td>
      <td data-label="At a time" className={css.nowrap}>
        {queue.concurrency == null ? "as started" : `${formatCount(queue.concurrency)} a process`}
        <span className={css.note}>
          {queue.cap == null ? "no cap" : `at most ${formatCount(queue.cap)} in all`}
        </span>
      </td>
      <td data-label="Wait p50 / p95 / p99" className={css.nowrap}>
        <Percentiles of={queue.wait_ms} />
      </td>
      <td data-label="Run p50 / p95 / p99" className={css.nowrap}>
        <Percentiles of={queue.run_ms} />
      </td>
      <td className={css.actions}>
        <Button onClick={() => setChanging(true)}>
          Change<span className="visually-hidden"> {queue.name}</span>
        </Button>
        <Button
          disabled={command.isPending}
          onClick={() => command.mutate(queue.paused ? "resume" : "pause")}
        >
          {queue.paused ? "Resume" : "Pause"}
          <span className="visually-hidden"> {queue.name}</span>
        </Button>
        {command.error && <Failure error={command.error} />}
        {changing && <ConcurrencyDialog queue={queue} onClose={() => setChanging(false)} />}
      </td>
    </tr>
  );
}
