import { JOB_STATES, type JobState } from "../../api/job-states";
import { oneOf, text } from "../../lib/search";

/** Which jobs are listed. */
export interface JobsSearch {
  state?: JobState | undefined;
  kind?: string | undefined;
  queue?: string | undefined;
  tag?: string | undefined;
  q?: string | undefined;
}

export function readJobsSearch(search: Record<string, unknown>): JobsSearch {
  const states = JOB_STATES.map(({ state }) => state);
  return {
    state: oneOf(search, "state", states),
    kind: text(search, "kind"),
    queue: text(search, "queue"),
    tag: text(search, "tag"),
    q: text(search, "q"),
  };
}
