import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Change } from "../../components/change";
import table from "../../components/data-table.module.css";
import { Sparkline } from "../../components/sparkline";
import { Timestamp } from "../../components/timestamp";
import { formatPrice, subtract } from "../../lib/decimal";
import { Explanation } from "./explanation";
import { barsQuery, signalsQuery } from "./queries";
import { SentimentChip } from "./sentiment-chip";
import { SignalCell } from "./signal-cell";
import css from "./watchlist-row.module.css";

const route = getRouteApi("/");

interface WatchlistRowProps {
  quote: Schemas["Quote"];
  sentiment: Schemas["SentimentSummary"] | undefined;
}

export function WatchlistRow({ quote, sentiment }: WatchlistRowProps) {
  const navigate = route.useNavigate();
  const open = route.useSearch().symbol === quote.symbol;
  const signals = useQuery(signalsQuery(quote.symbol));
  const bars = useQuery(barsQuery(quote.symbol));
  const explanation = `explanation-${quote.symbol}`;
  const toggle = () =>
    void navigate({ search: { symbol: open ? undefined : quote.symbol }, resetScroll: false });

  return (
    <>
      <tr className={css.row} data-open={open}>
        <th scope="row">
          <span className={css.symbol}>{quote.symbol}</span>
          {quote.name && <span className={css.name}>{quote.name}</span>}
        </th>
        <td className={`${table.right} ${css.price}`}>
          <Price quote={quote} />
        </td>
        <td data-label="As of">
          <AsOf quote={quote} />
        </td>
        <td data-label={`News, ${sentiment?.window.hours ?? 24} h`}>
          {sentiment ? <SentimentChip sentiment={sentiment} /> : <span className="muted">–</span>}
        </td>
        <td data-label="30 sessions" className={css.history}>
          <Closes bars={bars.data?.items} quote={quote} />
        </td>
        <td data-label="Signal" className={css.signal}>
          <SignalCell query={signals} symbol={quote.symbol} />
        </td>
        <td className={`${table.right} ${css.toggle}`}>
          <Button
            look="quiet"
            aria-expanded={open}
            aria-controls={explanation}
            onClick={toggle}
            disabled={!signals.data?.current}
          >
            {open ? "Close" : "Why"}
            <span className="visually-hidden"> {quote.symbol}</span>
          </Button>
        </td>
      </tr>
      {open && (
        <tr className={css.detail}>
          <td colSpan={7} className={table.wide} id={explanation}>
            {signals.data?.current && (
              <Explanation symbol={quote.symbol} signal={signals.data.current} />
            )}
          </td>
        </tr>
      )}
    </>
  );
}

function Price({ quote }: { quote: Schemas["Quote"] }) {
  if (quote.price == null) return <span className="muted">no price yet</span>;
  const amount = quote.previous_close != null ? subtract(quote.price, quote.previous_close) : null;
  return (
    <>
      <strong className={`${css.amount} numbers`}>
        {formatPrice(quote.price, quote.currency)}
      </strong>
      {quote.change_percent != null && <Change percent={quote.change_percent} amount={amount} />}
    </>
  );
}

function AsOf({ quote }: { quote: Schemas["Quote"] }) {
  return (
    <span className={css.asOf}>
      {quote.as_of ? <Timestamp at={quote.as_of} /> : <span className="muted">never asked</span>}
      {quote.trading_day && <span className="muted">session of {quote.trading_day}</span>}
      {quote.stale && (
        <span>
          <Badge
            tone="warn"
            title="The newest session has no price yet, or nobody has answered for four trading hours."
          >
            stale
          </Badge>
        </span>
      )}
    </span>
  );
}

interface ClosesProps {
  bars: readonly Schemas["Bar"][] | undefined;
  quote: Schemas["Quote"];
}

function Closes({ bars, quote }: ClosesProps) {
  // the price is newer than the bar of its own session, and a session under way has no bar yet
  const day = quote.price != null ? quote.trading_day : null;
  const values = (bars ?? [])
    .filter((bar) => day == null || bar.day < day)
    .map((bar) => Number(bar.close))
    .reverse();
  if (day != null) values.push(Number(quote.price));
  if (values.length < 2) return <span className="muted">–</span>;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (
    <Sparkline
      values={values}
      range={[low, high]}
      label={`${quote.symbol}: the last ${values.length} sessions, between ${low} and ${high}`}
    />
  );
}
