import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../api/client";
import { limitsQuery } from "../../api/queries";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import table from "../../components/data-table.module.css";
import { Failure } from "../../components/failure";
import { Loaded } from "../../components/loaded";
import { Meter } from "../../components/meter";
import { Panel } from "../../components/panel";
import { Timestamp } from "../../components/timestamp";
import { formatCount, formatSeconds } from "../../lib/numbers";
import { useStore } from "../../lib/store";
import { now } from "../../lib/time";
import { PARK_SECONDS, useLimitCommand } from "./queries";
import css from "./system.module.css";

export function LimitsPanel() {
  const limits = useQuery(limitsQuery);
  return (
    <Panel title="Limits" scope="What providers allow, shared by every worker">
      <Loaded query={limits} label="limits" rows={4}>
        {({ items }) => (
          <div className={table.scroll}>
            <table className={table.table}>
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">Used in each window</th>
                  <th scope="col">Jobs waiting</th>
                  <th scope="col">Next permit</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody className="numbers">
                {items.map((limit) => (
                  <LimitRow key={limit.key} limit={limit} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function LimitRow({ limit }: { limit: Schemas["Limit"] }) {
  const command = useLimitCommand(limit.key);
  const present = useStore(now);
  const until =
    limit.parked_until != null && Date.parse(limit.parked_until) > present
      ? limit.parked_until
      : null;
  return (
    <tr>
      <th scope="row" className={table.wide}>
        {limit.key}{" "}
        {until && (
          <>
            <Badge tone="held">parked</Badge>
            <span className={css.note}>
              until <Timestamp at={until} />
              {limit.parked_why && `: ${limit.parked_why}`}
            </span>
          </>
        )}
      </th>
      <td className={table.wide}>
        <ul className={css.windows}>
          {limit.windows.map((window) => (
            <li key={`${window.dimension} ${window.period_seconds}`}>
              <Meter
                used={window.used}
                of={window.amount}
                label={`${limit.key}, ${window.dimension} in ${formatSeconds(window.period_seconds)}`}
              />
              <span>
                {formatCount(window.used)} of {formatCount(window.amount)} {window.dimension} in{" "}
                {formatSeconds(window.period_seconds)}
              </span>
            </li>
          ))}
        </ul>
      </td>
      <td data-label="Jobs waiting">{formatCount(limit.waiting)}</td>
      <td data-label="Next permit">
        <NextPermit at={limit.next_permit_at} present={present} />
      </td>
      <td className={css.actions}>
        <Button
          disabled={command.isPending}
          title={until ? undefined : `Nothing is asked of it for ${formatSeconds(PARK_SECONDS)}`}
          onClick={() => command.mutate(until ? "resume" : "park")}
        >
          {until ? "Resume" : "Park"}
          <span className="visually-hidden"> {limit.key}</span>
        </Button>
        {command.error && <Failure error={command.error} />}
      </td>
    </tr>
  );
}

function NextPermit({ at, present }: { at: string | null | undefined; present: number }) {
  if (!at) return "after a call in flight";
  // the clock ticks every five seconds
  return Date.parse(at) <= present + 5000 ? "now" : <Timestamp at={at} />;
}
