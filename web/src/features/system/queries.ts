import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data } from "../../api/client";

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: ({ signal }) => data(api.GET("/api/workers", { signal })),
});

export const schedulesQuery = queryOptions({
  queryKey: ["schedules"],
  queryFn: ({ signal }) => data(api.GET("/api/schedules", { signal })),
});

export function useQueueCommand(name: string) {
  const client = useQueryClient();
  const params = { path: { name } };
  return useMutation({
    mutationFn: (command: "pause" | "resume") =>
      command === "pause"
        ? data(api.POST("/api/queues/{name}/pause", { params }))
        : data(api.POST("/api/queues/{name}/resume", { params })),
    onSettled: () => client.invalidateQueries({ queryKey: ["queues"] }),
  });
}

/** How long a limit is parked by hand; it can be resumed before. */
export const PARK_SECONDS = 3600;

export function useLimitCommand(key: string) {
  const client = useQueryClient();
  const params = { path: { key } };
  return useMutation({
    mutationFn: (command: "park" | "resume") =>
      command === "park"
        ? data(
            api.POST("/api/limits/{key}/park", {
              params,
              body: { seconds: PARK_SECONDS, reason: "parked from the dashboard" },
            }),
          )
        : data(api.POST("/api/limits/{key}/resume", { params })),
    onSettled: () => client.invalidateQueries({ queryKey: ["limits"] }),
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
    onSettled: () => client.invalidateQueries({ queryKey: ["schedules"] }),
  });
}
