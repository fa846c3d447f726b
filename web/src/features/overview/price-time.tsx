import type { Schemas } from "../../api/client";
import { Badge } from "../../components/badge";
import { Timestamp } from "../../components/timestamp";
import { exchangeTime } from "../../lib/exchange";
import { absolute } from "../../lib/time";
import css from "./price-time.module.css";

interface PriceTimeProps {
  quote: Schemas["Quote"] | null | undefined;
  session: Schemas["Session"];
}

/** The time of a price and the exchange's session; apart from them, the last check for a newer one. */
export function PriceTime({ quote, session }: PriceTimeProps) {
  return (
    <span className={css.time}>
      {quote?.price_time ? (
        <time dateTime={quote.price_time} title={absolute(quote.price_time)}>
          {priceTime(quote.price_time, quote.checked_at)}
        </time>
      ) : (
        <span className="muted">no price yet</span>
      )}
      <span className="muted">{sessionWords(session)}</span>
      <span className={css.checked}>
        {quote?.checked_at ? (
          <Timestamp at={quote.checked_at} prefix="checked " />
        ) : (
          "not checked yet"
        )}
        {quote?.stale && (
          <Badge
            tone="warn"
            title="The newest session has no price yet, or no provider has answered for four trading hours."
          >
            stale
          </Badge>
        )}
      </span>
    </span>
  );
}

/** `Fri close · 27 Nov 16:00 ET`; a price of a session under way is as old as its check. */
function priceTime(at: string, checked: string | null | undefined): string {
  const { weekday, day, time } = exchangeTime(at);
  const close = checked != null && Date.parse(at) < Date.parse(checked);
  return close ? `${weekday} close · ${day} ${time}` : `${weekday} ${day} ${time}`;
}

/** `closed, opens Mon 09:30 ET` */
function sessionWords({ state, opens_at, closes_at }: Schemas["Session"]): string {
  const open = exchangeTime(opens_at);
  const opens = `opens ${open.weekday} ${open.time}`;
  switch (state) {
    case "open":
      return `open, closes ${exchangeTime(closes_at).time}`;
    case "pre":
      return `before the open, ${opens}`;
    case "post":
      return `after the close, ${opens}`;
    case "closed":
      return `closed, ${opens}`;
  }
}
