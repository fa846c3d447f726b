import {
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, type Schemas } from "../../api/client";
import type { JobsSearch } from "./search";

/** Rows of a list at first, and of the longest page that the server gives. */
export const FIRST_ROWS = 50;
export const MOST_ROWS = 500;

/** Pages of so many rows: a list of one page is asked anew by one request, however long it is. */
export function jobsQuery(search: JobsSearch, rows: number) {
  return infiniteQueryOptions({
    queryKey: ["jobs", "list", search, rows],
    queryFn: ({ signal, pageParam }) => {
      const query = { ...search, limit: rows, ...(pageParam && { cursor: pageParam }) };
      return data(api.GET("/api/jobs", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["jobs", "one", id],
    queryFn: ({ signal }) => data(api.GET("/api/jobs/{id}", { params: { path: { id } }, signal })),
  });
}

export function whyQuery(id: string) {
  return queryOptions({
    queryKey: ["jobs", "why", id],
    queryFn: ({ signal }) =>
      data(api.GET("/api/jobs/{id}/why", { params: { path: { id } }, signal })),
  });
}

/** The kinds that the server knows; they change with its version only. */
export const kindsQuery = queryOptions({
  queryKey: ["kinds"],
  queryFn: ({ signal }) => data(api.GET("/api/kinds", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

export type BulkAction = Schemas["BulkRequest"]["action"];
export type BulkFilter = Schemas["BulkFilter"];

/** How many jobs an action would change; nothing is changed. */
export function dryRunQuery(action: BulkAction, filter: BulkFilter) {
  return queryOptions({
    queryKey: ["dry-run", action, filter],
    queryFn: ({ signal }) =>
      data(api.POST("/api/jobs/bulk", { body: { action, filter, dry_run: true }, signal })),
    gcTime: 0,
    staleTime: 0,
  });
}

/** How far a large action has come. */
export function bulkQuery(id: string | null) {
  return queryOptions({
    queryKey: ["bulk", id],
    queryFn: ({ signal }) =>
      data(api.GET("/api/jobs/bulk/{id}", { params: { path: { id: id ?? "" } }, signal })),
    enabled: id !== null,
    refetchInterval: ({ state }) =>
      state.data && state.data.state !== "running" ? false : BULK_POLL_MS,
  });
}

const BULK_POLL_MS = 500;

export function useBulk(action: BulkAction, filter: BulkFilter) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      data(api.POST("/api/jobs/bulk", { body: { action, filter, dry_run: false } })),
    onSettled: () => outdateJobs(client),
  });
}

export function useBulkCancel() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      data(api.POST("/api/jobs/bulk/{id}/cancel", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["bulk"] }),
  });
}

export function outdateJobs(client: QueryClient) {
  return Promise.all(
    ["jobs", "queues", "audit"].map((key) => client.invalidateQueries({ queryKey: [key] })),
  );
}

export function useJobCommand(command: "retry" | "cancel", id: string) {
  const client = useQueryClient();
  const params = { path: { id } };
  return useMutation({
    mutationFn: () =>
      command === "retry"
        ? data(api.POST("/api/jobs/{id}/retry", { params }))
        : data(api.POST("/api/jobs/{id}/cancel", { params })),
    // refused or not, the job may have moved on
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

export interface Enqueue {
  job: Schemas["NewJob"];
  /** The same for a request that is sent again because its answer got lost. */
  key: string;
}

export function useEnqueue() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ job, key }: Enqueue) =>
      data(api.POST("/jobs", { params: { header: { "Idempotency-Key": key } }, body: job })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
