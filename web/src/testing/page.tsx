import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { createQueryClient } from "../app/query-client";
import { createAppRouter } from "../app/router";
import { TokenDialog } from "../app/token-dialog";

/** The whole page at an address, without its event stream; a request that fails is not repeated. */
export function open(address: string) {
  const client = createQueryClient();
  const { queries, ...others } = client.getDefaultOptions();
  client.setDefaultOptions({ ...others, queries: { ...queries, retry: false } });
  const router = createAppRouter(createMemoryHistory({ initialEntries: [address] }));
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
      <TokenDialog />
    </QueryClientProvider>,
  );
  return Object.assign(router, { client });
}
