import { useQueries } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { queuesQuery } from "../../api/queries";
import { PageHead } from "../../components/page-head";
import { Skeleton } from "../../components/skeleton";
import { AuditPanel } from "./audit-panel";
import { schedulesQuery, statsQuery, workersQuery } from "./queries";
import { QueuesPanel } from "./queues-panel";
import { SchedulesPanel } from "./schedules-panel";
import { StatsPanel } from "./stats-panel";
import { WorkersPanel } from "./workers-panel";

const route = getRouteApi("/system");

export function SystemPage() {
  return (
    <>
      <PageHead
        title="System"
        lead={
          <>
            Pace, queues, schedules, workers and the audit;{" "}
            <Link to="/limits">provider limits</Link> have a page of their own
          </>
        }
      />
      {useLoaded() ? (
        <>
          <StatsPanel />
          <QueuesPanel />
          <SchedulesPanel />
          <WorkersPanel />
          <AuditPanel />
        </>
      ) : (
        <Skeleton label="system" rows={12} />
      )}
    </>
  );
}

/** True from the first answer to every panel on: panels of unknown heights appear together. */
function useLoaded(): boolean {
  const search = route.useSearch();
  const queries = useQueries({
    queries: [statsQuery(search), queuesQuery, schedulesQuery, workersQuery],
  });
  const [loaded, setLoaded] = useState(false);
  if (!loaded && queries.every(({ isPending }) => !isPending)) setLoaded(true);
  return loaded;
}
