import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Button } from "../../components/button";
import table from "../../components/data-table.module.css";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { Timestamp } from "../../components/timestamp";
import { describeChange } from "./audit-change";
import css from "./audit-panel.module.css";
import { auditQuery } from "./queries";

/** Who did what, newest first. */
export function AuditPanel() {
  const audit = useInfiniteQuery(auditQuery);
  const items = audit.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel title="Audit" scope="What people did to jobs, queues, limits and schedules">
      <Loaded query={audit} label="audit" rows={3}>
        {() =>
          items.length === 0 ? (
            <Empty title="Nobody has changed anything yet." />
          ) : (
            <div className={table.scroll}>
              <table className={table.table}>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">Who</th>
                    <th scope="col">Did</th>
                    <th scope="col">To</th>
                    <th scope="col">Change</th>
                  </tr>
                </thead>
                <tbody className="numbers">
                  {items.map((entry) => (
                    <AuditRow key={entry.id} entry={entry} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      {audit.hasNextPage && (
        <div className={css.more}>
          <Button onClick={() => audit.fetchNextPage()} disabled={audit.isFetchingNextPage}>
            {audit.isFetchingNextPage ? "Loading…" : "Load older entries"}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function AuditRow({ entry }: { entry: Schemas["AuditEntry"] }) {
  return (
    <tr>
      <td className={css.nowrap} data-label="When">
        <Timestamp at={entry.at} />
      </td>
      <td className={css.nowrap} data-label="Who">
        {entry.actor}
      </td>
      <td className={css.nowrap} data-label="Did">
        {entry.action.replace(".", ": ").replaceAll("_", " ")}
      </td>
      <th scope="row" data-label="To">
        <Subject action={entry.action} subject={entry.subject} />
      </th>
      <td className={`${table.wide} ${css.change}`}>{describeChange(entry.detail)}</td>
    </tr>
  );
}

/** What was changed, where it can still be seen. */
function Subject({ action, subject }: { action: string; subject: string }) {
  if (action.startsWith("limit.")) {
    return (
      <Link to="/limits" search={{ key: subject }}>
        {subject}
      </Link>
    );
  }
  if (action.startsWith("job.") && /^\d+$/.test(subject)) {
    return (
      <Link to="/jobs/$id" params={{ id: subject }}>
        {subject}
      </Link>
    );
  }
  return subject;
}
