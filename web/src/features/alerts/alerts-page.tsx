import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data } from "../../api/client";
import { alertsQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { Empty } from "../../components/empty";
import { Failure } from "../../components/failure";
import { Loaded } from "../../components/loaded";
import { PageHead } from "../../components/page-head";
import { Panel } from "../../components/panel";
import tabs from "../../components/tabs.module.css";
import { formatCount } from "../../lib/numbers";
import { AlertItem } from "./alert-item";
import css from "./alerts-page.module.css";
import { ALERT_STATES } from "./search";
import { SymbolFilter } from "./symbol-filter";

const route = getRouteApi("/alerts");

const NOTHING = {
  firing: "Nothing is firing.",
  pending: "Nothing is about to fire.",
  resolved: "Nothing has been resolved yet.",
};

export function AlertsPage() {
  const { state = "firing", symbol = "" } = route.useSearch();
  const query = useInfiniteQuery(alertsQuery(symbol));
  const client = useQueryClient();
  const check = useMutation({
    mutationFn: () => data(api.POST("/check-alerts", {})),
    onSuccess: () => client.invalidateQueries({ queryKey: ["alerts"] }),
  });

  const known = query.data?.pages.flatMap((page) => page.items) ?? [];
  const scope = query.data && describeScope(known.length, query.hasNextPage, symbol);
  const checkNow = (
    <Button onClick={() => check.mutate()} disabled={check.isPending}>
      Check now
    </Button>
  );

  return (
    <>
      <PageHead title="Alerts" lead="What was worth telling, newest first" actions={checkNow} />
      {check.error && <Failure error={check.error} />}
      <Panel title="Episodes" scope={scope} actions={<SymbolFilter key={symbol} symbol={symbol} />}>
        <nav className={tabs.tabs} aria-label="Alert states">
          {ALERT_STATES.map((each) => (
            <Link
              key={each}
              from="/alerts"
              to="."
              search={(previous) => ({ ...previous, state: each })}
              aria-current={each === state ? "page" : undefined}
              activeProps={{ "aria-current": undefined }}
              className={tabs.tab}
              data-on={each === state}
            >
              {each}
              <span className={tabs.count}>
                {query.data
                  ? formatCount(known.filter((alert) => alert.state === each).length)
                  : "–"}
              </span>
            </Link>
          ))}
        </nav>
        <Loaded query={query} label="alerts" rows={4}>
          {() => {
            const shown = known.filter((alert) => alert.state === state);
            return shown.length === 0 ? (
              <Empty title={NOTHING[state]}>
                {symbol
                  ? `No ${state} alert of ${symbol} among those loaded.`
                  : "Rules are evaluated every minute and after each new price or signal."}
              </Empty>
            ) : (
              <ul className={css.list}>
                {shown.map((alert) => (
                  <AlertItem key={alert.id} alert={alert} />
                ))}
              </ul>
            );
          }}
        </Loaded>
        {query.hasNextPage && (
          <div className={css.more}>
            <Button onClick={() => query.fetchNextPage()} disabled={query.isFetchingNextPage}>
              {query.isFetchingNextPage ? "Loading…" : "Load older alerts"}
            </Button>
          </div>
        )}
      </Panel>
    </>
  );
}

function describeScope(count: number, more: boolean, symbol: string): string {
  const of = symbol && ` of ${symbol}`;
  if (more) return `Counts cover the newest ${formatCount(count)} alerts${of}`;
  return `Counts cover every alert${of} there is: ${formatCount(count)}`;
}
