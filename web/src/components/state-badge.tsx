import { JOB_STATES, type JobState, toneOf } from "../api/job-states";
import { Badge } from "./badge";

export function StateBadge({ state }: { state: JobState }) {
  const meaning = JOB_STATES.find((known) => known.state === state)?.meaning;
  return (
    <Badge tone={toneOf(state)} title={meaning}>
      {state}
    </Badge>
  );
}
