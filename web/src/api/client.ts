import createClient from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { components, paths } from "./schema";
import { credentials, requireToken } from "./token";

export type Schemas = components["schemas"];

/** The server gives up after 15 s; later than that no answer will come. */
const LIMIT_MS = 20_000;

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  fetch: (request) => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(LIMIT_MS)]);
    return globalThis.fetch(request, { signal });
  },
});

api.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(credentials())) request.headers.set(name, value);
    return request;
  },
  onResponse({ request, response }) {
    if (response.status === 401) requireToken(request);
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
