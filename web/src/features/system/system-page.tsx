import { Link } from "@tanstack/react-router";
import { PageHead } from "../../components/page-head";
import { AuditPanel } from "./audit-panel";
import { QueuesPanel } from "./queues-panel";
import { SchedulesPanel } from "./schedules-panel";
import { StatsPanel } from "./stats-panel";
import { WorkersPanel } from "./workers-panel";

export function SystemPage() {
  return (
    <>
      <PageHead
        title="System"
        lead={
          <>
            Pace, queues, schedules, workers and who did what;{" "}
            <Link to="/limits">provider limits</Link> have a page of their own
          </>
        }
      />
      <StatsPanel />
      <QueuesPanel />
      <SchedulesPanel />
      <WorkersPanel />
      <AuditPanel />
    </>
  );
}
