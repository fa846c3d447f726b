import { QueryClient } from "@tanstack/react-query";
import { ApiProblem } from "../api/problem";

/** Server state: kept fresh by lib/live.ts, not by each query for itself. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: "always",
        // an answer that says no says no again
        retry: (failures, error) =>
          failures < 1 && !(error instanceof ApiProblem && error.status < 500),
        retryDelay: 1000,
      },
      mutations: { networkMode: "always" },
    },
  });
}
