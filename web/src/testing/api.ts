import { vi } from "vitest";

export interface Asked {
  method: string;
  url: string;
  path: string;
  headers: Headers;
  body: unknown;
}

/** Answers the API's requests from a table of `METHOD /path`; adds each to the returned list. */
export function answer(
  table: Record<string, unknown | ((asked: Asked) => Response | Promise<Response>)>,
  all: Asked[] = [],
): Asked[] {
  vi.stubGlobal("fetch", async (request: Request) => {
    const path = new URL(request.url).pathname;
    const text = await request.text();
    const asked = {
      method: request.method,
      url: request.url,
      path,
      headers: request.headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    all.push(asked);
    const given = table[`${request.method} ${path}`];
    if (typeof given === "function") return given(asked);
    if (given === undefined) return problem(404, { title: "There is no such thing", detail: path });
    return Response.json(given);
  });
  return all;
}

export function problem(status: number, body: Record<string, unknown>): Response {
  return new Response(JSON.stringify({ type: "about:blank", status, ...body }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}
