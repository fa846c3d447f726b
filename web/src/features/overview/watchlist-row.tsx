import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data, type Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Change } from "../../components/change";
import table from "../../components/data-table.module.css";
import { Failure } from "../../components/failure";
import { Loaded } from "../../components/loaded";
import { Sparkline } from "../../components/sparkline";
import { formatPrice, subtract } from "../../lib/decimal";
import { formatCount } from "../../lib/numbers";
import { Explanation } from "./explanation";
import { PriceTime } from "./price-time";
import { signalsQuery } from "./queries";
import { SentimentChip } from "./sentiment-chip";
import { SignalCell } from "./signal-cell";
import css from "./watchlist-row.module.css";

const route = getRouteApi("/");

type Watched = Schemas["WatchedSymbol"];

export function WatchlistRow({ watched }: { watched: Watched }) {
  const { symbol, name, quote, session, sentiment, signal } = watched;
  const navigate = route.useNavigate();
  const open = route.useSearch().symbol === symbol;
  const explanation = `explanation-${symbol}`;
  const toggle = () =>
    void navigate({ search: { symbol: open ? undefined : symbol }, resetScroll: false });

  return (
    <>
      <tr className={css.row} data-open={open}>
        <th scope="row">
          <span className={css.symbol}>{symbol}</span>
          {name && <span className={css.name}>{name}</span>}
          <Marks watched={watched} />
        </th>
        <td className={`${table.right} ${css.price}`}>
          <Price quote={quote} />
        </td>
        <td data-label="Price time">
          <PriceTime quote={quote} session={session} />
        </td>
        <td data-label={`News, ${sentiment?.window.hours ?? 24} h`}>
          {sentiment ? <SentimentChip sentiment={sentiment} /> : <span className="muted">–</span>}
        </td>
        <td data-label="30 sessions">
          <Closes watched={watched} />
        </td>
        <td data-label="Signal" className={css.signal}>
          <SignalCell signal={signal} symbol={symbol} />
        </td>
        <td className={`${table.right} ${css.toggle}`}>
          <Button
            look="quiet"
            aria-expanded={open}
            aria-controls={open ? explanation : undefined}
            onClick={toggle}
          >
            {open ? "Close" : "Why"}
            <span className="visually-hidden"> {symbol}</span>
          </Button>
        </td>
      </tr>
      {open && (
        <tr className={css.detail}>
          <td colSpan={7} className={table.wide} id={explanation}>
            <Terms symbol={symbol} />
            <Remove symbol={symbol} />
          </td>
        </tr>
      )}
    </>
  );
}

/** The signal with its terms, which are asked for when its row is opened. */
function Terms({ symbol }: { symbol: string }) {
  const signals = useQuery(signalsQuery(symbol));
  return (
    <Loaded query={signals} label="explanation" rows={10}>
      {({ current }) =>
        current ? (
          <Explanation symbol={symbol} signal={current} />
        ) : (
          <p className="muted">No signal has been derived yet.</p>
        )
      }
    </Loaded>
  );
}

/** Ends the watch of the symbol; it can be added again, and its data is kept. */
function Remove({ symbol }: { symbol: string }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => data(api.DELETE("/api/watchlist/{symbol}", { params: { path: { symbol } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["watchlist"] }),
  });
  return (
    <div className={css.remove}>
      <Button look="quiet" onClick={() => remove.mutate()} disabled={remove.isPending}>
        {remove.isPending ? "Removing…" : `Remove ${symbol} from the watchlist`}
      </Button>
      {remove.error && <Failure error={remove.error} />}
    </div>
  );
}

/** Alerts of the symbol, and a provider that refuses it. */
function Marks({ watched: { symbol, alerts, refused } }: { watched: Watched }) {
  if (!alerts.firing && !refused) return null;
  return (
    <span className={css.marks}>
      {alerts.firing > 0 && (
        <Link to="/alerts" search={{ symbol }} className={css.alerts}>
          {formatCount(alerts.firing)} firing
        </Link>
      )}
      {refused && (
        <Badge tone="warn" title={refused.detail}>
          refused: {refused.reason.replaceAll("_", " ")}
        </Badge>
      )}
    </span>
  );
}

function Price({ quote }: { quote: Watched["quote"] }) {
  if (quote?.price == null) return <span className="muted">no price yet</span>;
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

function Closes({ watched: { symbol, closes, quote } }: { watched: Watched }) {
  // the price is newer than the bar of its own session, and a session under way has no bar yet
  const day = quote?.price != null ? quote.trading_day : null;
  const values = closes
    .filter((bar) => day == null || bar.day < day)
    .map(({ close }) => Number(close));
  if (quote?.price != null && day != null) values.push(Number(quote.price));
  if (values.length < 2) return <span className="muted">–</span>;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (
    <Sparkline
      values={values}
      range={[low, high]}
      label={`${symbol}: the last ${values.length} sessions, between ${low} and ${high}`}
    />
  );
}
