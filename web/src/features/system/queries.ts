import {
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, type Schemas } from "../../api/client";
import type { SystemSearch } from "./search";

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: ({ signal }) => data(api.GET("/api/workers", { signal })),
});

export const schedulesQuery = queryOptions({
  queryKey: ["schedules"],
  queryFn: ({ signal }) => data(api.GET("/api/schedules", { signal })),
});

export function statsQuery({ range = "1h", queue, kind }: SystemSearch) {
  const query = { range, ...(queue && { queue }), ...(kind && { kind }) };
  return queryOptions({
    queryKey: ["stats", query],
    queryFn: ({ signal }) => data(api.GET("/api/stats", { params: { query }, signal })),
    // another range does not blank the charts
    placeholderData: keepPreviousData,
  });
}

/** Newest first. */
export const auditQuery = infiniteQueryOptions({
  queryKey: ["audit"],
  queryFn: ({ signal, pageParam }) => {
    const query = { limit: 20, ...(pageParam && { cursor: pageParam }) };
    return data(api.GET("/api/audit", { params: { query }, signal }));
  },
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
});

function outdate(client: QueryClient, ...keys: string[]) {
  return Promise.all(keys.map((key) => client.invalidateQueries({ queryKey: [key] })));
}

export function useQueueCommand(name: string) {
  const client = useQueryClient();
  const params = { path: { name } };
  return useMutation({
    mutationFn: (command: "pause" | "resume") =>
      command === "pause"
        ? data(api.POST("/api/queues/{name}/pause", { params }))
        : data(api.POST("/api/queues/{name}/resume", { params })),
    onSettled: () => outdate(client, "queues", "audit"),
  });
}

/** Changes how many attempts of a queue run at a time. */
export function useQueueChange(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["QueueChange"]) =>
      data(api.PATCH("/api/queues/{name}", { params: { path: { name } }, body })),
    onSettled: () => outdate(client, "queues", "audit"),
  });
}

export function useScheduleCommand(name: string) {
  const client = useQueryClient();
  const params = { path: { name } };
  return useMutation({
    mutationFn: async (command: "pause" | "resume" | "run") => {
      if (command === "run") await data(api.POST("/api/schedules/{name}/run", { params }));
      if (command === "pause") await data(api.POST("/api/schedules/{name}/pause", { params }));
      if (command === "resume") await data(api.POST("/api/schedules/{name}/resume", { params }));
    },
    onSettled: () => outdate(client, "schedules", "audit"),
  });
}
