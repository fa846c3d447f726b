import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";

/** Sessions that the sparkline shows. */
export const SESSIONS = 30;

export const quotesQuery = queryOptions({
  queryKey: ["quotes"],
  queryFn: ({ signal }) => data(api.GET("/api/latest-data", { signal })),
});

export const sentimentQuery = queryOptions({
  queryKey: ["sentiment"],
  queryFn: ({ signal }) => data(api.GET("/api/sentiment-summary", { signal })),
});

export function signalsQuery(symbol: string) {
  return queryOptions({
    queryKey: ["signals", symbol],
    queryFn: ({ signal }) => {
      const params = { path: { symbol }, query: { limit: 1 } };
      return data(api.GET("/api/signals/{symbol}", { params, signal }));
    },
  });
}

export function barsQuery(symbol: string) {
  return queryOptions({
    queryKey: ["bars", symbol],
    queryFn: ({ signal }) => {
      const params = { path: { symbol }, query: { limit: SESSIONS } };
      return data(api.GET("/api/bars/{symbol}", { params, signal }));
    },
  });
}

export function newsQuery(symbol: string) {
  return queryOptions({
    queryKey: ["news", symbol],
    queryFn: ({ signal }) => {
      const params = { path: { symbol }, query: { limit: 200 } };
      return data(api.GET("/api/news/{symbol}", { params, signal }));
    },
  });
}
