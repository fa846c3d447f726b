import createClient from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { components, paths } from "./schema";
import { token, tokenNeeded } from "./token";

export type Schemas = components["schemas"];

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (request) => globalThis.fetch(request),
});

api.use({
  onRequest({ request }) {
    const value = token.get();
    if (value) request.headers.set("Authorization", `Bearer ${value}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) tokenNeeded.set(true);
  },
});

/** The answer's data; an error answer is thrown as an `ApiProblem`. */
export async function data<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw new ApiProblem(response.status, error);
  return data as T;
}
