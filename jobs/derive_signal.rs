//! One symbol's prices and news in, one signal with every term of it out.
//!
//! Reads `bar`, `quote`, `cluster` and the last `signal`; writes `signal`; leads to
//! [`EvaluateAlerts`].

use bellwether_domain::{
    Symbol, calendar, looks_like_a_split,
    signal::{self, FORMULA, Inputs, WINDOW},
};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, NewJob, UniqueUntil, event,
    schemars::{Schema, schema_for},
};
use bellwether_store::{self as store, signal::NewSignal, turn::Turn};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{Error, EvaluateAlerts, Services, error::judged};

/// Time that a new price or reading waits for others of its symbol: one signal reads all of them.
const DEBOUNCE: TimeDelta = TimeDelta::seconds(5);

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DeriveSignal {
    /// The symbol; without one each watched symbol, in a job of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub symbol: Option<Symbol>,
    /// The row that led to it, for example `observation/17`; the same cause makes one signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub cause: Option<String>,
}

impl JobArgs for DeriveSignal {
    const KIND: &'static str = "derive_signal";
    const QUEUE: &'static str = "analyzer";
    const PRIORITY: u8 = 3;
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Claimed;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.symbol.as_ref()?, self.cause.as_ref()?))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for DeriveSignal {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, async {
            match &self.symbol {
                Some(symbol) => self.derive(&cx, attempt, symbol).await,
                None => self.fan_out(&cx, attempt).await,
            }
        })
        .await
    }
}

impl DeriveSignal {
    /// Enqueues one signal for a symbol's new rows and for all that follow within 5 s; its cause is
    /// the first of them.
    pub(crate) async fn enqueue_soon(
        conn: &mut PgConnection,
        attempt: &Attempt,
        symbol: Symbol,
        cause: String,
    ) -> Result<(), Error> {
        let due = store::now(&mut *conn).await? + DEBOUNCE;
        let unique_key = Some(symbol.to_string());
        let one = NewJob::of(&Self { symbol: Some(symbol), cause: Some(cause) });
        attempt.enqueue(conn, NewJob { unique_key, ..one }.at(due)).await?;
        Ok(())
    }

    async fn fan_out(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let mut tx = cx.pool.begin().await?;
        let cause = format!("{}/{}", self.cause.as_deref().unwrap_or("request"), attempt.job());
        for known in store::instrument::list_watched(&mut *tx).await? {
            let one = Self { symbol: Some(known.symbol), cause: Some(cause.clone()) };
            attempt.enqueue(&mut tx, one).await?;
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn derive(&self, cx: &Services, attempt: &Attempt, symbol: &Symbol) -> Result<(), Error> {
        let cause = self.cause.clone().unwrap_or_else(|| format!("request/{}", attempt.job()));
        let mut tx = cx.pool.begin().await?;
        store::turn::take(&mut tx, Turn::Signal, symbol).await?;
        if store::instrument::find(&mut *tx, symbol).await?.is_none() {
            return Err(Error::Gone("such instrument"));
        }
        let at = store::now(&mut *tx).await?;
        let mut signal = derive_at(&mut tx, symbol, at, cause).await?;
        signal.job = Some(attempt.job().0);
        if let Some(id) = store::signal::add(&mut *tx, &signal).await? {
            event::emit(&mut *tx, "signal", symbol.as_str()).await?;
            attempt.log(format!(
                "signal {id}: {:?}, C {:?}, S {:.3}",
                signal.label, signal.c, signal.s
            ));
            let evaluate = EvaluateAlerts {
                symbol: Some(symbol.clone()),
                cause: Some(format!("signal/{id}")),
            };
            attempt.enqueue(&mut tx, evaluate).await?;
        } else {
            attempt.log("this cause has made its signal");
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Derives the signal of a symbol from the rows known at an instant, and stores nothing.
pub async fn derive_at(
    conn: &mut PgConnection,
    symbol: &Symbol,
    at: DateTime<Utc>,
    cause: String,
) -> Result<NewSignal, Error> {
    let evidence = Evidence::gather(conn, symbol, at).await?;
    let terms = signal::derive(&evidence.inputs);
    Ok(NewSignal {
        symbol: symbol.clone(),
        at,
        label: terms.label,
        c: terms.c,
        p: terms.p,
        s: terms.s,
        q: terms.q,
        terms: serde_json::to_value(&terms).expect("terms are plain data"),
        inputs: evidence.read,
        formula_version: FORMULA.to_owned(),
        cause,
        job: None,
    })
}

/// Everything that was known of a symbol at an instant.
struct Evidence {
    inputs: Inputs,
    /// Ids of the rows that the inputs were made of.
    read: Value,
}

impl Evidence {
    async fn gather(
        conn: &mut PgConnection,
        symbol: &Symbol,
        at: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let begun = calendar::last_begun(at);
        let through = calendar::last_completed(at).day;
        let bars = store::bar::list_closes(&mut *conn, symbol, through, at, WINDOW as i64).await?;
        let quote = store::quote::find_latest(&mut *conn, symbol, at).await?;
        let visible = store::cluster::list_visible(&mut *conn, symbol, at).await?;
        let before = store::signal::find_current(&mut *conn, symbol).await?;

        let mut closes: Vec<f64> = bars.iter().filter_map(|bar| bar.close.to_f64()).collect();
        let mut last_day = bars.last().map(|bar| bar.day);
        // the price of a running session takes the place of its close
        let running = quote.filter(|quote| begun.day > through && quote.trading_day == begun.day);
        if let Some(quote) = &running {
            closes.extend(quote.price.to_f64());
            last_day = Some(quote.trading_day);
        }
        let comparable = since_last_gap(&closes);
        let inputs = Inputs {
            closes: closes[comparable..].to_vec(),
            clusters: visible.iter().map(store::cluster::Visible::input).collect(),
            price_fresh: last_day == Some(begun.day),
            previous: before.and_then(|signal| signal.label),
        };
        let revised = |bar: &&store::bar::Close| bar.revision > 1;
        let read = json!({
            "bars": {
                "from": bars.first().map(|bar| bar.day),
                "through": bars.last().map(|bar| bar.day),
                "count": bars.len(),
                "skipped": comparable,
                "revisions": bars.iter().filter(revised)
                    .map(|bar| json!([bar.day, bar.revision])).collect::<Vec<_>>(),
            },
            "quote": running.map(|quote| quote.id),
            "price_fresh": inputs.price_fresh,
            "previous": inputs.previous,
            "clusters": visible.iter().zip(&inputs.clusters).map(|(story, input)| json!({
                "id": story.id,
                "articles": story.article_ids,
                "sentiments": story.sentiment_ids,
                "s": input.s, "r": input.r, "kappa": input.kappa, "q": input.q, "k": input.k,
                "age_h": input.age_h,
                "source": input.source,
            })).collect::<Vec<_>>(),
        });
        Ok(Self { inputs, read })
    }
}

/// Index of the first close that is on the scale of the newest one.
fn since_last_gap(closes: &[f64]) -> usize {
    let is_gap = |pair: &[f64]| looks_like_a_split(pair[0], pair[1]);
    closes.windows(2).rposition(is_gap).map_or(0, |before| before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_before_what_looks_like_a_split_are_not_compared() {
        assert_eq!(since_last_gap(&[100.0, 101.0, 99.0]), 0);
        assert_eq!(since_last_gap(&[1000.0, 100.0, 101.0]), 1);
        assert_eq!(since_last_gap(&[1000.0, 1010.0, 101.0]), 2);
        assert_eq!(since_last_gap(&[]), 0);
    }
}
