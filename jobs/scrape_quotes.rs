//! One request, one symbol's price: its missing days with the newest close, or its latest quote.
//!
//! Reads and writes `quote` and `bar`; leads to [`DeriveSignal`] and [`EvaluateAlerts`].

use bellwether_domain::{
    Bar, Quote, Symbol, calendar,
    planning::{Observation, Publication, has_session_quotes, is_end_of_day},
};
use bellwether_providers::{self as providers, Depth, QuoteSource};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, event,
    schemars::{Schema, schema_for},
};
use bellwether_store as store;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::borrow::Cow;

use crate::{DeriveSignal, Error, EvaluateAlerts, Services, error::judged, permit::Granted};

pub const QUEUE: &str = "scraper";
pub const LANE: &str = "quotes";

/// Time after the close after which a session without a bar is taken for a halt.
const BARS_COME_WITHIN: TimeDelta = TimeDelta::hours(6);

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ScrapeQuotes {
    #[schemars(with = "String")]
    pub symbol: Symbol,
    /// The batch that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub batch: Option<i64>,
    /// The part of its prices; without it what is known decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
}

/// A part of a symbol's prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The closes of completed sessions.
    Close,
    /// The price of the running session.
    Quote,
}

impl JobArgs for ScrapeQuotes {
    const KIND: &'static str = "scrape_quotes";
    const QUEUE: &'static str = QUEUE;

    fn lane(&self) -> Cow<'static, str> {
        LANE.into()
    }

    fn unique_key(&self) -> Option<String> {
        let part = if self.part == Some(Part::Quote) { "/quote" } else { "" };
        self.batch.map(|batch| format!("{batch}/{}{part}", self.symbol))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for ScrapeQuotes {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

/// Content of one answer.
struct Answer {
    quote: Quote,
    /// Completed sessions only.
    bars: Vec<Bar>,
}

impl ScrapeQuotes {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let market = cx.quotes().ok_or(Error::Off("market data provider"))?;
        let now = store::now(&cx.pool).await?;
        let known = store::instrument::find(&cx.pool, &self.symbol).await?;
        let last_bar = store::bar::find_last_day(&cx.pool, &self.symbol).await?;
        let last_quote = store::quote::find_latest(&cx.pool, &self.symbol, now).await?;
        let need = match self.part {
            Some(Part::Close) => Need::Bars,
            Some(Part::Quote) => Need::Quote,
            None => need(
                now,
                last_bar,
                last_quote.map(|q| q.trading_day),
                known.as_ref().and_then(|i| i.quote_seen_at),
            ),
        };

        // the first time the whole history, if the plan includes it; later the newest days
        let depth =
            if cx.full_history && last_bar.is_none() { Depth::Full } else { Depth::Compact };
        let permit = Granted::new(attempt);
        let asked = match need {
            Need::Bars => market
                .daily(self.symbol.as_str(), depth, &permit)
                .await
                .and_then(|bars| Answer::of_bars(&self.symbol, &bars, now)),
            Need::Quote | Need::Nothing => market
                .quote(self.symbol.as_str(), &permit)
                .await
                .map(|quote| Answer::of_quote(&self.symbol, &quote)),
        };
        if let Err(providers::Error::Refused { reason, detail }) = &asked {
            let of_plan = reason.starts_with("entitlement");
            let key = if of_plan { not_in_plan(market) } else { refusal_key(&self.symbol) };
            // a symbol of one request was mistyped by its caller: no operator has to act
            if of_plan || known.is_some_and(|instrument| instrument.watched) {
                store::operator::add(&cx.pool, &key, reason, detail).await?;
            }
        }
        if matches!(&asked, Err(providers::Error::Unusable { .. })) {
            // nothing usable for this symbol: it waits like one that lacks its close
            store::instrument::close_seen(&cx.pool, &self.symbol, false).await?;
        }
        let Answer { quote, bars } = asked?;

        let mut tx = cx.pool.begin().await?;
        store::instrument::add_unwatched(&mut *tx, std::slice::from_ref(&self.symbol)).await?;
        let observation = store::quote::add(&mut tx, &quote, market.key()).await?;
        let rows = store::bar::add_all(&mut *tx, &self.symbol, &bars, market.key()).await?;
        self.learn(&mut tx, market.key(), need, &quote, now).await?;
        store::operator::clear(&mut *tx, market.key()).await?;
        store::operator::clear(&mut *tx, &refusal_key(&self.symbol)).await?;
        store::operator::clear(&mut *tx, &not_in_plan(market)).await?;
        attempt.log(match observation {
            Some(_) => format!("{} on {}, {rows} bars", quote.price, quote.trading_day),
            None => format!("nothing new on {}, {rows} bars", quote.trading_day),
        });

        let cause = match observation {
            Some(id) => Some(format!("observation/{id}")),
            None if rows > 0 => Some(format!("bars/{}", attempt.job())),
            None => None,
        };
        if let Some(cause) = cause {
            event::emit(&mut *tx, "quote", self.symbol.as_str()).await?;
            let symbol = self.symbol.clone();
            DeriveSignal::enqueue_soon(&mut tx, attempt, symbol.clone(), cause.clone()).await?;
            let evaluate = EvaluateAlerts { symbol: Some(symbol), cause: Some(cause) };
            attempt.enqueue(&mut tx, evaluate).await?;
        }
        let first_or_asked_for = last_bar.is_none() || self.part.is_none();
        if need == Need::Bars && first_or_asked_for && calendar::is_open(now) {
            // the bars end at the last close; the price of the running session needs another
            // request
            let state = store::source_state::find(&mut *tx, market.key()).await?;
            if has_session_quotes(state.end_of_day_at, now) {
                let quote = Self { part: Some(Part::Quote), ..self.clone() };
                attempt.enqueue(&mut tx, quote).await?;
            }
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl ScrapeQuotes {
    /// Keeps what an answer says about the provider: when it publishes closes, and whether it has
    /// prices of the running session.
    async fn learn(
        &self,
        conn: &mut PgConnection,
        source: &str,
        need: Need,
        quote: &Quote,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if need != Need::Bars {
            if let Some(end_of_day) = is_end_of_day(quote.trading_day, now) {
                store::source_state::set_end_of_day(conn, source, end_of_day).await?;
            }
            return Ok(());
        }
        let session = calendar::last_completed(now);
        let searches = store::close_search::list(&mut *conn, source).await?;
        let has_close = quote.trading_day >= session.day;
        match Publication::new(searches).observe(session.closes, has_close) {
            Observation::Present => {
                store::instrument::close_seen(&mut *conn, &self.symbol, true).await?;
                store::close_search::add_seen(conn, source, session.closes).await?;
            }
            Observation::Unpublished => {
                store::close_search::add_miss(conn, source, session.closes).await?;
            }
            Observation::Lagging => {
                store::instrument::close_seen(conn, &self.symbol, false).await?;
            }
        }
        Ok(())
    }
}

impl Answer {
    fn of_quote(symbol: &Symbol, quote: &providers::Quote) -> Self {
        let quote = Quote {
            symbol: symbol.clone(),
            trading_day: quote.trading_day,
            price: quote.price,
            open: quote.open,
            high: quote.high,
            low: quote.low,
            previous_close: quote.previous_close,
            volume: quote.volume,
        };
        Self { quote, bars: Vec::new() }
    }

    /// The close of the newest bar is a quote too; the bar of a running session is only a quote.
    fn of_bars(
        symbol: &Symbol,
        bars: &[providers::Bar],
        now: DateTime<Utc>,
    ) -> providers::Result<Self> {
        let newest = bars.last().ok_or_else(|| providers::Error::Unusable {
            reason: "no_data".to_owned(),
            detail: "no days".to_owned(),
        })?;
        let quote = Quote {
            symbol: symbol.clone(),
            trading_day: newest.day,
            price: newest.close,
            open: Some(newest.open),
            high: Some(newest.high),
            low: Some(newest.low),
            previous_close: bars.iter().rev().nth(1).map(|bar| bar.close),
            volume: Some(newest.volume),
        };
        let complete = calendar::last_completed(now).day;
        let bars = bars
            .iter()
            .filter(|bar| bar.day <= complete)
            .map(|bar| Bar {
                day: bar.day,
                open: bar.open,
                high: bar.high,
                low: bar.low,
                close: bar.close,
                volume: bar.volume,
            })
            .collect();
        Ok(Self { quote, bars })
    }
}

/// Key of the operator note that the plan of a source does not include prices.
pub(crate) fn not_in_plan(source: &dyn QuoteSource) -> String {
    format!("{}/prices", source.key())
}

/// Key prefix of the operator note that a provider does not know a symbol.
pub(crate) fn refusal_key(symbol: &Symbol) -> String {
    format!("symbol/{symbol}")
}

/// The data that a symbol lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Bars,
    Quote,
    Nothing,
}

/// The data to fetch at an instant, given the newest bar and quote, and when the provider last
/// answered.
pub(crate) fn need(
    now: DateTime<Utc>,
    last_bar: Option<NaiveDate>,
    last_quote: Option<NaiveDate>,
    seen_at: Option<DateTime<Utc>>,
) -> Need {
    let completed = calendar::last_completed(now);
    let is_open = calendar::is_open(now);
    let asked_since = |t: DateTime<Utc>| seen_at.is_some_and(|seen| seen >= t);
    let given_up = asked_since(completed.closes + BARS_COME_WITHIN)
        || (is_open && asked_since(completed.closes));
    let lags = match last_bar {
        None => true,
        Some(day) => day < completed.day && !given_up,
    };
    if lags {
        Need::Bars
    } else if is_open || (last_quote.is_none_or(|day| day < completed.day) && !given_up) {
        Need::Quote
    } else {
        Need::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_ask_for_follows_from_what_is_known() {
        let friday = "2026-11-20";
        let sunday = "2026-11-22T18:00:00Z";
        let monday_noon = "2026-11-23T17:00:00Z";
        let cases = [
            ("nothing is known", sunday, None, None, None, Need::Bars),
            (
                "the last session is known",
                sunday,
                Some(friday),
                Some(friday),
                Some("2026-11-20T21:05:00Z"),
                Need::Nothing,
            ),
            (
                "its bar is missing",
                sunday,
                Some("2026-11-19"),
                Some(friday),
                Some("2026-11-20T20:30:00Z"),
                Need::Bars,
            ),
            (
                "its bar is missing, hours after the close",
                sunday,
                Some("2026-11-19"),
                Some(friday),
                Some("2026-11-21T09:00:00Z"),
                Need::Nothing,
            ),
            (
                "the exchange is open",
                monday_noon,
                Some(friday),
                Some(friday),
                Some("2026-11-20T21:05:00Z"),
                Need::Quote,
            ),
            (
                "the exchange is open and the bar never came",
                monday_noon,
                Some("2026-11-19"),
                Some("2026-11-19"),
                Some("2026-11-20T21:05:00Z"),
                Need::Quote,
            ),
        ];
        for (what, now, bar, quote, seen, expected) in cases {
            let day = |d: Option<&str>| d.map(|d| d.parse().unwrap());
            let seen = seen.map(|t| t.parse().unwrap());
            assert_eq!(need(now.parse().unwrap(), day(bar), day(quote), seen), expected, "{what}");
        }
    }
}
