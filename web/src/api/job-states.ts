import type { Schemas } from "./client";

export type JobState = Schemas["JobState"];

/** In the order a job meets them; `tone` names a colour token in tokens.css. */
export const JOB_STATES: readonly { state: JobState; tone: string; meaning: string }[] = [
  { state: "pending", tone: "quiet", meaning: "waits for other jobs" },
  { state: "scheduled", tone: "later", meaning: "waits for its time" },
  { state: "available", tone: "ready", meaning: "can start now" },
  { state: "parked", tone: "held", meaning: "waits for a provider's limit" },
  { state: "running", tone: "active", meaning: "is being worked on" },
  { state: "retryable", tone: "warn", meaning: "failed and will be tried again" },
  { state: "completed", tone: "good", meaning: "done" },
  { state: "discarded", tone: "bad", meaning: "failed for good" },
  { state: "cancelled", tone: "quiet", meaning: "called off" },
];

export function toneOf(state: JobState): string {
  return JOB_STATES.find((known) => known.state === state)?.tone ?? "quiet";
}

/** Those that wait can be cancelled, and so can the one that runs. */
export function canCancel(state: JobState): boolean {
  return !["completed", "discarded", "cancelled"].includes(state);
}

/** Those that ended start over; one that waits for its next try starts at once. */
export function canRetry(state: JobState): boolean {
  return ["completed", "discarded", "cancelled", "retryable", "scheduled"].includes(state);
}
