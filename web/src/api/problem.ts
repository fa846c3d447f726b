/** An answer that is an error, as the API's `application/problem+json` says it. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly field: string | null;

  constructor(status: number, body: unknown) {
    const said = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const text = (name: string) => (typeof said[name] === "string" ? (said[name] as string) : null);
    super(text("detail") ?? `The server answered with status ${status}.`);
    this.name = "ApiProblem";
    this.status = status;
    this.type = text("type") ?? "about:blank";
    this.title = text("title") ?? "The request failed";
    this.field = text("field");
  }
}

/** True if the server gave no answer: the request failed or timed out, or a proxy answered for it. */
export function unreachable(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.status === 502 || error.status === 504;
  return error instanceof TypeError || tooSlow(error);
}

/** True if the request was given up after its time limit. */
export function tooSlow(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** The message about a failure, of any kind of error. */
export function describe(error: unknown): { title: string; detail: string } {
  if (unreachable(error)) {
    return { title: "The server does not answer", detail: "Is Bellwether still running?" };
  }
  if (error instanceof ApiProblem) return { title: error.title, detail: error.message };
  return { title: "Something broke here", detail: error instanceof Error ? error.message : "" };
}
