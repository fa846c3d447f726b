import { useQuery } from "@tanstack/react-query";
import { Badge } from "../../components/badge";
import table from "../../components/data-table.module.css";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { Timestamp } from "../../components/timestamp";
import { formatCount } from "../../lib/numbers";
import { workersQuery } from "./queries";

export function WorkersPanel() {
  const workers = useQuery(workersQuery);
  return (
    <Panel title="Workers">
      <Loaded query={workers} label="workers" rows={2}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No worker runs.">
              Start one with <code>bellwether worker scraper</code>, or all of them with{" "}
              <code>bellwether up</code>.
            </Empty>
          ) : (
            <div className={table.scroll}>
              <table className={table.table}>
                <thead>
                  <tr>
                    <th scope="col">Worker</th>
                    <th scope="col">Queues</th>
                    <th scope="col">Running</th>
                    <th scope="col">Heartbeat</th>
                    <th scope="col">Started</th>
                    <th scope="col">Version</th>
                  </tr>
                </thead>
                <tbody className="numbers">
                  {items.map((worker) => (
                    <tr key={worker.id}>
                      <th scope="row">
                        {worker.name}{" "}
                        {worker.dead ? (
                          <Badge tone="bad">dead</Badge>
                        ) : (
                          <Badge tone="good">alive</Badge>
                        )}
                      </th>
                      <td data-label="Queues">{worker.queues.join(", ")}</td>
                      <td data-label="Running">{formatCount(worker.running)}</td>
                      <td data-label="Heartbeat">
                        <Timestamp at={worker.beat_at} />
                      </td>
                      <td data-label="Started">
                        <Timestamp at={worker.started_at} />
                      </td>
                      <td data-label="Version">{worker.version}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </Panel>
  );
}
