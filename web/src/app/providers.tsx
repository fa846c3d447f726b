import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { unreachable } from "../api/problem";
import { credentials, token, tokenNeeded } from "../api/token";
import { keepLive } from "../lib/live";
import { useStore } from "../lib/store";
import { createQueryClient } from "./query-client";
import { createAppRouter } from "./router";
import { TokenDialog } from "./token-dialog";

const client = createQueryClient();
const router = createAppRouter();

export function Providers() {
  const present = useStore(token);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new token opens a new stream
  useEffect(
    () =>
      keepLive({
        client,
        url: "/api/events",
        headers: credentials,
        unreachable,
        tokenNeeded,
      }),
    [present],
  );
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
      <TokenDialog />
    </QueryClientProvider>
  );
}
