import { PageHead } from "../../components/page-head";
import { SummaryStrip } from "./summary-strip";
import { Watchlist } from "./watchlist";

export function OverviewPage() {
  return (
    <>
      <PageHead title="Overview" lead="Prices, news sentiment and signals of the watchlist" />
      <SummaryStrip />
      <Watchlist />
    </>
  );
}
