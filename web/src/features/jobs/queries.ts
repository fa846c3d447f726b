import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, type Schemas } from "../../api/client";
import type { JobsSearch } from "./search";

const PAGE = 50;

export function jobsQuery(search: JobsSearch) {
  return infiniteQueryOptions({
    queryKey: ["jobs", "list", search],
    queryFn: ({ signal, pageParam }) => {
      const query = { ...search, limit: PAGE, ...(pageParam && { cursor: pageParam }) };
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
