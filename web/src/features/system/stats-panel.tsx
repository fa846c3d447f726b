import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Loaded } from "../../components/loaded";
import { Panel } from "../../components/panel";
import { KindTable } from "./kind-table";
import { PaceCharts } from "./pace-charts";
import { statsQuery } from "./queries";
import { RANGES } from "./search";
import css from "./stats-panel.module.css";

const route = getRouteApi("/system");

/** How much was done and how fast, over a range that the address names. */
export function StatsPanel() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { range = "1h", queue, kind } = search;
  const stats = useQuery(statsQuery(search));
  const of = [kind && `kind ${kind}`, queue && `queue ${queue}`].filter(Boolean).join(", ");
  const ranges = (
    <nav className={css.ranges} aria-label="Range">
      {RANGES.map((each) => (
        <Link
          key={each}
          from="/system"
          to="."
          search={(previous) => ({ ...previous, range: each })}
          replace
          resetScroll={false}
          className={css.range}
          activeProps={{ "aria-current": undefined }}
          aria-current={each === range ? "page" : undefined}
        >
          {each}
        </Link>
      ))}
    </nav>
  );
  return (
    <Panel title="Pace" scope={of || "All queues and kinds"} actions={ranges}>
      {of && (
        <p className={css.filter}>
          <Badge tone="active">{of}</Badge>
          <Button
            look="quiet"
            onClick={() => void navigate({ search: { range: search.range }, resetScroll: false })}
          >
            Show all
          </Button>
        </p>
      )}
      <Loaded query={stats} label="pace" rows={6}>
        {(data) => (
          <div className={css.stats} aria-busy={stats.isPlaceholderData}>
            <PaceCharts stats={data} />
            <KindTable kinds={data.kinds} />
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
