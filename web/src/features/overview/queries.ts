import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";

/** The current signal with every term of its formula. */
export function signalsQuery(symbol: string) {
  return queryOptions({
    queryKey: ["signals", symbol],
    queryFn: ({ signal }) => {
      const params = { path: { symbol }, query: { limit: 1 } };
      return data(api.GET("/api/signals/{symbol}", { params, signal }));
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
