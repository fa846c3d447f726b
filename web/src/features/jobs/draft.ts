import type { Schemas } from "../../api/client";

/** A job as entered in the form. */
export interface Draft {
  kind: string;
  args: string;
  uniqueKey: string;
  priority: string;
  scheduledAt: string;
}

/** The request that a draft makes, or why its arguments are no JSON. What is empty is left out. */
export function readDraft(draft: Draft): { job: Schemas["NewJob"] } | { error: string } {
  let args: unknown;
  try {
    args = draft.args.trim() === "" ? {} : JSON.parse(draft.args);
  } catch (error) {
    return { error: `This is not JSON: ${error instanceof Error ? error.message : ""}` };
  }
  return {
    job: {
      kind: draft.kind,
      args,
      ...(draft.uniqueKey && { unique_key: draft.uniqueKey }),
      ...(draft.priority !== "" && { priority: Number(draft.priority) }),
      ...(draft.scheduledAt && { scheduled_at: new Date(draft.scheduledAt).toISOString() }),
    },
  };
}

/** A new idempotency key; `randomUUID` is missing where the page comes over plain HTTP. */
export function requestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
