import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";

export const noticesQuery = queryOptions({
  queryKey: ["notices"],
  queryFn: ({ signal }) => data(api.GET("/api/notices", { signal })),
});
