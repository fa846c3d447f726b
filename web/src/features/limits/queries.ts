import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data, type Schemas } from "../../api/client";

/** A limit with the history of its windows and what each day cost. */
export function limitQuery(key: string) {
  return queryOptions({
    queryKey: ["limit", key],
    queryFn: ({ signal }) =>
      data(api.GET("/api/limits/{key}", { params: { path: { key } }, signal })),
  });
}

/** What an operator can do about a limit. */
export type LimitCommand =
  | { do: "park"; body: Schemas["Park"] }
  | { do: "resume" }
  | { do: "trip"; body: Schemas["Trip"] }
  | { do: "reset" }
  | { do: "override"; body: Schemas["LimitChange"] }
  | { do: "count"; body: Schemas["CallsElsewhere"] };

export function useLimitCommand(key: string) {
  const client = useQueryClient();
  const params = { path: { key } };
  return useMutation({
    mutationFn: (command: LimitCommand) => {
      switch (command.do) {
        case "park":
          return data(api.POST("/api/limits/{key}/park", { params, body: command.body }));
        case "resume":
          return data(api.POST("/api/limits/{key}/resume", { params }));
        case "trip":
          return data(api.POST("/api/limits/{key}/trip", { params, body: command.body }));
        case "reset":
          return data(api.POST("/api/limits/{key}/reset", { params }));
        case "override":
          return data(api.PATCH("/api/limits/{key}", { params, body: command.body }));
        case "count":
          return data(api.POST("/api/limits/{key}/count", { params, body: command.body }));
      }
    },
    onSettled: () =>
      Promise.all(
        ["limits", "limit", "audit"].map((name) => client.invalidateQueries({ queryKey: [name] })),
      ),
  });
}
