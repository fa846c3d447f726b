import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { limitsQuery } from "../../api/queries";
import { Empty } from "../../components/empty";
import { Loaded } from "../../components/loaded";
import { PageHead } from "../../components/page-head";
import { Panel } from "../../components/panel";
import { LimitCard } from "./limit-card";
import { LimitPanel } from "./limit-panel";
import css from "./limits-page.module.css";
import { LimitsSummary } from "./limits-summary";

const route = getRouteApi("/limits");

/** Every provider's quota, and beside them the one that the address names. */
export function LimitsPage() {
  const { key } = route.useSearch();
  const limits = useQuery(limitsQuery);
  return (
    <>
      <PageHead title="Limits" lead="What each provider allows, shared by every worker" />
      <Loaded query={limits} label="limits" rows={6}>
        {({ items }) =>
          items.length === 0 ? (
            <Panel title="Keys">
              <Empty title="No provider has a limit yet.">
                A worker defines them when it starts for the first time.
              </Empty>
            </Panel>
          ) : (
            <>
              <LimitsSummary limits={items} />
              <div className={css.page} data-chosen={key !== undefined}>
                <ul className={css.cards} aria-label="Keys">
                  {items.map((limit) => (
                    <li key={limit.key}>
                      <LimitCard limit={limit} chosen={limit.key === key} />
                    </li>
                  ))}
                </ul>
                {key !== undefined && <LimitPanel key={key} name={key} limits={items} />}
              </div>
            </>
          )
        }
      </Loaded>
    </>
  );
}
