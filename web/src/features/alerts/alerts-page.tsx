import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data } from "../../api/client";
import { alertsQuery, watchlistQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { CalledFor } from "../../components/called-for";
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

function useAlerts(state: (typeof ALERT_STATES)[number], symbol: string) {
  return useInfiniteQuery({ ...alertsQuery(state, symbol), placeholderData: keepPreviousData });
}

const NOTHING = {
  firing: "Nothing is firing.",
  pending: "Nothing is about to fire.",
  resolved: "Nothing has been resolved yet.",
};

export function AlertsPage() {
  const { state = "firing", symbol = "" } = route.useSearch();
  const queries = {
    firing: useAlerts("firing", symbol),
    pending: useAlerts("pending", symbol),
    resolved: useAlerts("resolved", symbol),
  };
  const query = queries[state];
  const watchlist = useQuery(watchlistQuery);
  const quoteOf = (name: string | null | undefined) =>
    watchlist.data?.items.find((watched) => watched.symbol === name)?.quote;
  const client = useQueryClient();
  const check = useMutation({
    mutationFn: () => data(api.POST("/check-alerts", {})),
    onSuccess: () => client.invalidateQueries({ queryKey: ["alerts"] }),
  });

  const shown = query.data?.pages.flatMap((page) => page.items) ?? [];
  const scope = `Tabs count all alerts${symbol && ` of ${symbol}`}; + means that there are older ones`;
  const checkNow = (
    <Button onClick={() => check.mutate()} disabled={check.isPending}>
      Check now
    </Button>
  );

  return (
    <>
      <PageHead title="Alerts" lead="What was worth telling, newest first" actions={checkNow} />
      {check.error && <Failure error={check.error} />}
      {check.data && <CalledFor jobs={check.data.jobs} />}
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
              <span className={tabs.count}>{countOf(queries[each])}</span>
            </Link>
          ))}
        </nav>
        <Loaded query={query} label="alerts" rows={4}>
          {() =>
            shown.length === 0 ? (
              <Empty title={NOTHING[state]}>
                {symbol
                  ? `There is no ${state} alert of ${symbol}.`
                  : "Rules are evaluated every minute and after each new price or signal."}
              </Empty>
            ) : (
              <ul className={css.list}>
                {shown.map((alert) => (
                  <AlertItem key={alert.id} alert={alert} quote={quoteOf(alert.symbol)} />
                ))}
              </ul>
            )
          }
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

/** How many there are, or at least how many. */
function countOf({ data, hasNextPage }: ReturnType<typeof useAlerts>): string {
  if (!data) return "–";
  const count = data.pages.reduce((sum, page) => sum + page.items.length, 0);
  return `${formatCount(count)}${hasNextPage ? "+" : ""}`;
}
