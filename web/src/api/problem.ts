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

/** Whether nobody answered: fetch throws a TypeError, and a proxy says it for the server. */
export function unreachable(error: unknown): boolean {
  return error instanceof ApiProblem
    ? error.status === 502 || error.status === 504
    : error instanceof TypeError;
}

/** What to tell about a failure, whatever threw it. */
export function describe(error: unknown): { title: string; detail: string } {
  if (unreachable(error)) {
    return { title: "The server does not answer", detail: "Is Bellwether still running?" };
  }
  if (error instanceof ApiProblem) return { title: error.title, detail: error.message };
  return { title: "Something broke here", detail: error instanceof Error ? error.message : "" };
}
