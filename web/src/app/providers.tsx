import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { unreachable } from "../api/problem";
import { token } from "../api/token";
import { keepLive } from "../lib/live";
import { useStore } from "../lib/store";
import { createQueryClient } from "./query-client";
import { createAppRouter } from "./router";
import { TokenDialog } from "./token-dialog";

const client = createQueryClient();
const router = createAppRouter();

/** An event stream sets no headers, so its address carries the token. */
function eventsUrl(): string {
  const value = token.get();
  return value ? `/api/events?access_token=${encodeURIComponent(value)}` : "/api/events";
}

export function Providers() {
  const present = useStore(token);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new token opens a new stream
  useEffect(() => keepLive({ client, url: eventsUrl, unreachable }), [present]);
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
      <TokenDialog />
    </QueryClientProvider>
  );
}
