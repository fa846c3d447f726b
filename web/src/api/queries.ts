// Queries of more than one feature. A feature's own are in its `queries.ts`.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, data, type Schemas } from "./client";

export const queuesQuery = queryOptions({
  queryKey: ["queues"],
  queryFn: ({ signal }) => data(api.GET("/api/queues", { signal })),
});

export const limitsQuery = queryOptions({
  queryKey: ["limits"],
  queryFn: ({ signal }) => data(api.GET("/api/limits", { signal })),
});

/** A row for each watched symbol, with all that the overview shows of it. */
export const watchlistQuery = queryOptions({
  queryKey: ["watchlist"],
  queryFn: ({ signal }) => data(api.GET("/api/watchlist", { signal })),
});

const ALERTS_PAGE = 100;

/** Those in a state, newest first; an empty symbol means all. */
export function alertsQuery(state: Schemas["AlertState"], symbol = "") {
  return infiniteQueryOptions({
    queryKey: ["alerts", state, symbol],
    queryFn: ({ signal, pageParam }) => {
      const query = { state, limit: ALERTS_PAGE, ...(pageParam && { cursor: pageParam }) };
      return data(
        symbol
          ? api.GET("/api/alerts/{symbol}", { params: { path: { symbol }, query }, signal })
          : api.GET("/api/alerts/recent", { params: { query }, signal }),
      );
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}
