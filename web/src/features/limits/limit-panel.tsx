import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Countdown } from "../../components/countdown";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { BurnDown } from "./burn-down";
import { LaneList } from "./lane-list";
import { LimitActions } from "./limit-actions";
import { LimitFacts } from "./limit-facts";
import css from "./limit-panel.module.css";
import { Forecast } from "./moments";
import { OverrideDialog } from "./override-dialog";
import { limitQuery } from "./queries";
import { SpendingTable } from "./spending-table";
import { amountOf, type Limit, type LimitWindow, windowName } from "./standing";

interface LimitPanelProps {
  /** The key that the address names; there may be no such key. */
  name: string;
  limits: readonly Limit[];
}

/** One key: its state, the commands on it, and its usage. */
export function LimitPanel({ name, limits }: LimitPanelProps) {
  const limit = limits.find(({ key }) => key === name);
  const history = useQuery({ ...limitQuery(name), enabled: limit !== undefined });
  const close = (
    <Link to="/limits" resetScroll={false}>
      Close
    </Link>
  );
  return (
    <Panel title={name} actions={close}>
      {limit ? (
        <div className={css.limit}>
          <LimitActions limit={limit} />
          <section className={css.part} aria-label="Windows">
            <h3>Windows</h3>
            {limit.windows.length === 0 && <p className="muted">None: it always serves.</p>}
            <Loaded query={history} label="windows" rows={3}>
              {(detail) =>
                limit.windows.map((window) => (
                  <WindowChart
                    key={window.no}
                    limit={limit}
                    window={window}
                    points={detail.history.find(({ no }) => no === window.no)?.points ?? []}
                  />
                ))
              }
            </Loaded>
          </section>
          <LimitFacts limit={limit} />
          <LaneList limits={limits} name={name} />
          <section className={css.part} aria-label="Cost a day">
            <h3>Cost a day</h3>
            <Loaded query={history} label="days" rows={3}>
              {({ days }) => <SpendingTable days={days} />}
            </Loaded>
          </section>
        </div>
      ) : (
        <Empty title={`There is no key ${name}.`}>
          <Link to="/limits">Show all keys</Link>
        </Empty>
      )}
    </Panel>
  );
}

interface WindowChartProps {
  limit: Limit;
  window: LimitWindow;
  points: readonly { at: string; used: number }[];
}

function WindowChart({ limit, window, points }: WindowChartProps) {
  const [changing, setChanging] = useState(false);
  const { used, amount, base_amount, remaining, override_until } = window;
  return (
    <figure className={css.window}>
      <figcaption className={css.head}>
        <span>
          <strong className="numbers">{amountOf(window, amount)}</strong> {windowName(window)}
          {override_until != null && (
            <>
              {" "}
              <Badge tone="later">overridden</Badge>
            </>
          )}
        </span>
        <Button look="quiet" className={css.change} onClick={() => setChanging(true)}>
          Override<span className="visually-hidden"> {windowName(window)}</span>
        </Button>
      </figcaption>
      <BurnDown window={window} points={points} />
      <p className={`${css.note} numbers`}>
        {amountOf(window, used)} used, {amountOf(window, Math.max(0, remaining))} left
        <Forecast window={window} />
        {override_until != null && (
          <>
            {" · "}
            <Countdown
              to={override_until}
              prefix={`instead of ${amountOf(window, base_amount)} for `}
              over={`${amountOf(window, base_amount)} again now`}
            />
          </>
        )}
      </p>
      {changing && (
        <OverrideDialog limit={limit} window={window} onClose={() => setChanging(false)} />
      )}
    </figure>
  );
}
