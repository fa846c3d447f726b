import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import table from "../../components/data-table.module.css";
import { Failure } from "../../components/failure";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { Timestamp } from "../../components/timestamp";
import { schedulesQuery, useScheduleCommand } from "./queries";
import css from "./system.module.css";

export function SchedulesPanel() {
  const schedules = useQuery(schedulesQuery);
  return (
    <Panel title="Schedules">
      <Loaded query={schedules} label="schedules" rows={3}>
        {({ items }) => (
          <div className={table.scroll}>
            <table className={table.table}>
              <thead>
                <tr>
                  <th scope="col">Schedule</th>
                  <th scope="col">Adds</th>
                  <th scope="col">When</th>
                  <th scope="col">Last</th>
                  <th scope="col">Next</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody className="numbers">
                {items.map((schedule) => (
                  <ScheduleRow key={schedule.name} schedule={schedule} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function ScheduleRow({ schedule }: { schedule: Schemas["Schedule"] }) {
  const command = useScheduleCommand(schedule.name);
  const { last_fire_at, last_job, next_fire_at, paused } = schedule;
  return (
    <tr>
      <th scope="row">
        {schedule.name} {paused && <Badge tone="warn">paused</Badge>}
      </th>
      <td data-label="Adds">{schedule.kind}</td>
      <td data-label="When">
        <code>{schedule.cron}</code> <span className="muted">{schedule.zone}</span>
      </td>
      <td data-label="Last">
        {last_fire_at ? <Timestamp at={last_fire_at} /> : "–"}
        {last_job && (
          <>
            {" "}
            <Link to="/jobs/$id" params={{ id: last_job }}>
              job {last_job}
            </Link>
          </>
        )}
      </td>
      <td data-label="Next">{next_fire_at && !paused ? <Timestamp at={next_fire_at} /> : "–"}</td>
      <td className={css.actions}>
        <Button disabled={command.isPending} onClick={() => command.mutate("run")}>
          Run now<span className="visually-hidden"> {schedule.name}</span>
        </Button>
        <Button
          disabled={command.isPending}
          onClick={() => command.mutate(paused ? "resume" : "pause")}
        >
          {paused ? "Resume" : "Pause"}
          <span className="visually-hidden"> {schedule.name}</span>
        </Button>
        {command.error && <Failure error={command.error} />}
      </td>
    </tr>
  );
}
