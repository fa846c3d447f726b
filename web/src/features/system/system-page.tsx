import { PageHead } from "../../components/page-head";
import { LimitsPanel } from "./limits-panel";
import { QueuesPanel } from "./queues-panel";
import { SchedulesPanel } from "./schedules-panel";
import { WorkersPanel } from "./workers-panel";

export function SystemPage() {
  return (
    <>
      <PageHead title="System" lead="Queues, provider limits, schedules and workers" />
      <QueuesPanel />
      <LimitsPanel />
      <SchedulesPanel />
      <WorkersPanel />
    </>
  );
}
