import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { watchlistQuery } from "../../api/queries";
import { Button } from "../../components/button";
import { CalledFor } from "../../components/called-for";
import table from "../../components/data-table.module.css";
import { Empty } from "../../components/empty";
import { Failure } from "../../components/failure";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { AddSymbol } from "./add-symbol";
import { WatchlistRow } from "./watchlist-row";

export function Watchlist() {
  const watchlist = useQuery(watchlistQuery);
  const client = useQueryClient();
  const scrape = useMutation({
    mutationFn: () => data(api.POST("/scrape", {})),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
  const fetchNow = (
    <Button onClick={() => scrape.mutate()} disabled={scrape.isPending}>
      {scrape.isPending ? "Asking…" : "Fetch now"}
    </Button>
  );

  return (
    <Panel title="Watchlist" scope="Signals are research scores, not advice" actions={fetchNow}>
      {scrape.error && <Failure error={scrape.error} />}
      {scrape.data && <CalledFor jobs={scrape.data.jobs} />}
      <Loaded query={watchlist} label="watchlist" rows={8}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="The watchlist is empty.">
              Add a symbol below, for example <code>AAPL</code>.
            </Empty>
          ) : (
            <div className={table.scroll}>
              <table className={table.table}>
                <thead>
                  <tr>
                    <th scope="col">Symbol</th>
                    <th scope="col" className={table.right}>
                      Last price
                    </th>
                    <th scope="col">Price time</th>
                    <th scope="col">News, 24 h</th>
                    <th scope="col">30 sessions</th>
                    <th scope="col">Signal</th>
                    <th scope="col">
                      <span className="visually-hidden">Explanation</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((watched) => (
                    <WatchlistRow key={watched.symbol} watched={watched} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      <AddSymbol />
    </Panel>
  );
}
