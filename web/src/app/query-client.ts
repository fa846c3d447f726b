import { QueryClient } from "@tanstack/react-query";
import { ApiProblem, tooSlow } from "../api/problem";

/** Server state: kept fresh by lib/live.ts, not by each query for itself. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: "always",
        // a refusal is repeated, and a time limit that has passed is long enough
        retry: (failures, error) =>
          failures < 1 && !tooSlow(error) && !(error instanceof ApiProblem && error.status < 500),
        retryDelay: 1000,
      },
      mutations: { networkMode: "always" },
    },
  });
}
