//! Gathers the facts of an instant as the alert engine's events.

use bellwether_domain::{
    Symbol,
    alert::{Event, Kind, Metric, Values},
    calendar, signal,
};
use bellwether_queue::inspect::LimitView;
use bellwether_store as store;
use bellwether_store::{operator::Note, quote::Observed};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::{Error, analyze_article::RETIREMENT, limits::length_s};

/// Shortest period of a window that counts here: shorter windows are used up all the time.
const LONG_WINDOW_S: f64 = 3_600.0;
const DAY: TimeDelta = TimeDelta::hours(24);
/// Longest park that counts as ordinary operation.
const SHORT_PARK: TimeDelta = TimeDelta::minutes(1);

pub(super) struct Facts {
    values: Map<String, Value>,
    quote: Option<Observed>,
    /// The quote is of the newest completed session, or newer.
    is_current: bool,
    /// Time of the newest data.
    fresh_at: Option<DateTime<Utc>>,
    has_label: bool,
    /// Limit keys or models that the figures are about.
    subject: Option<String>,
}

impl Facts {
    pub(super) async fn of_symbol(
        conn: &mut PgConnection,
        symbol: &Symbol,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let instrument = store::instrument::find(&mut *conn, symbol).await?;
        let quote = store::quote::find_latest(&mut *conn, symbol, now).await?;
        let mut values = Map::new();
        let mut set = |metric: Metric, value: Value| values.insert(metric.name().to_owned(), value);

        let mut previous_close = quote.as_ref().and_then(|q| q.previous_close);
        if let (Some(quote), None) = (&quote, previous_close)
            && let Some(before) = quote.trading_day.pred_opt()
        {
            let closes = store::bar::list_closes(&mut *conn, symbol, before, now, 1).await?;
            previous_close = closes.first().map(|bar| bar.close);
        }
        set(Metric::Price, json!(quote.as_ref().and_then(|q| q.price.to_f64())));
        set(Metric::PreviousClose, json!(previous_close.and_then(|p| p.to_f64())));

        let seen_at = instrument.and_then(|i| i.quote_seen_at);
        let fresh_at = quote.as_ref().zip(seen_at).map(|(quote, seen)| {
            // a price of a past session was current until its close, however often it is seen
            calendar::session(quote.trading_day).map_or(seen, |s| s.closes.min(seen))
        });
        let age = fresh_at.map(|at| (now - at).as_seconds_f64().max(0.0));
        set(Metric::AgeS, json!(age));

        let current = store::signal::find_current(&mut *conn, symbol).await?;
        let current = current.as_ref();
        set(Metric::Composite, json!(current.and_then(|s| s.c)));
        set(Metric::P, json!(current.and_then(|s| s.p)));
        set(Metric::S, json!(current.map(|s| s.s)));
        set(Metric::Label, json!(current.and_then(|s| s.label)));
        let has_label = current.is_some_and(|s| s.label.is_some());

        let (today, clusters) = mood(&mut *conn, symbol, now).await?;
        let (yesterday, _) = mood(&mut *conn, symbol, now - DAY).await?;
        let mut closes = Vec::new();
        for session in calendar::completed(now, 3) {
            closes.push(mood(&mut *conn, symbol, session.closes).await?.0);
        }
        set(Metric::S24h, json!(today));
        set(Metric::Shift24h, json!((today - yesterday).abs()));
        set(Metric::Slope3d, json!(signal::slope(&closes)));
        set(Metric::Clusters, json!(clusters));

        let newest_complete = calendar::last_completed(now).day;
        Ok(Self {
            values,
            is_current: quote.as_ref().is_some_and(|q| q.trading_day >= newest_complete),
            quote,
            fresh_at,
            has_label,
            subject: None,
        })
    }

    /// Quotas and models: the limit key with the least left, the model with the least time.
    pub(super) fn of_house(limits: &[LimitView], notes: &[Note], now: DateTime<Utc>) -> Self {
        let left = limits.iter().filter_map(|limit| {
            let long = limit.windows.iter().filter(|w| length_s(w) >= LONG_WINDOW_S);
            let least = long.map(|w| w.remaining).min()?;
            let is_parked = limit.parked_until.is_some_and(|until| until > now + SHORT_PARK);
            Some((if is_parked { 0 } else { least }, limit.key.as_str()))
        });
        let left = left.min();
        let retires = notes
            .iter()
            .filter(|note| note.reason == RETIREMENT)
            .filter_map(|note| {
                let at: DateTime<Utc> = note.detail.parse().ok()?;
                Some(((at - now).num_seconds(), note.key.as_str()))
            })
            .min();
        let mut values = Map::new();
        let mut set = |metric: Metric, value: Value| values.insert(metric.name().to_owned(), value);
        set(Metric::QuotaRemaining, json!(left.map(|(n, _)| n)));
        set(Metric::RetiresInS, json!(retires.map(|(s, _)| s)));
        let subjects = [left.filter(|(n, _)| *n == 0), retires];
        let subject = subjects.into_iter().flatten().map(|(_, key)| key).collect::<Vec<_>>();
        Self {
            values,
            quote: None,
            is_current: false,
            fresh_at: None,
            has_label: false,
            subject: (!subject.is_empty()).then(|| subject.join(", ")),
        }
    }

    /// The event for a rule of a kind. `told` is the time of the data of the event before.
    pub(super) fn event(&self, kind: Kind, told: &mut Option<DateTime<Utc>>) -> Event {
        let observe = |trading_day| Event::Observe { trading_day, values: self.known() };
        let number = |metric: Metric| self.values.get(metric.name()).is_some_and(|v| !v.is_null());
        match kind {
            Kind::PriceChange | Kind::PriceCross => match &self.quote {
                // an older price is no observation of today
                Some(quote) if self.is_current => observe(Some(quote.trading_day)),
                _ => Event::NoData,
            },
            Kind::DataStale if self.fresh_at.is_none() || *told == self.fresh_at => Event::Tick,
            Kind::DataStale => {
                *told = self.fresh_at;
                observe(None)
            }
            Kind::SignalEnter | Kind::Divergence if !self.has_label => Event::NoData,
            Kind::QuotaExhausted if !number(Metric::QuotaRemaining) => Event::Tick,
            // a model that is no longer about to retire has been replaced
            Kind::ModelRetiring if !number(Metric::RetiresInS) => {
                let never = Values::default().with(Metric::RetiresInS, f64::from(i32::MAX));
                Event::Observe { trading_day: None, values: never }
            }
            Kind::NegativeSentimentTrend
            | Kind::SentimentShift
            | Kind::SignalEnter
            | Kind::Divergence
            | Kind::QuotaExhausted
            | Kind::ModelRetiring => observe(None),
        }
    }

    fn known(&self) -> Values {
        serde_json::from_value(Value::Object(self.values.clone()))
            .expect("metrics are numbers, words or null")
    }

    pub(super) fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    pub(super) fn number(&self, metric: Metric) -> Option<f64> {
        self.values.get(metric.name())?.as_f64()
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.values.get(Metric::Label.name())?.as_str()
    }

    pub(super) fn trading_day(&self) -> Option<NaiveDate> {
        self.quote.as_ref().map(|quote| quote.trading_day)
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

/// `S_24h` at an instant, and the number of stories behind it.
async fn mood(
    conn: &mut PgConnection,
    symbol: &Symbol,
    at: DateTime<Utc>,
) -> Result<(f64, usize), Error> {
    let visible = store::cluster::list_visible(conn, symbol, at).await?;
    let stories: Vec<_> = visible.iter().map(store::cluster::Visible::input).collect();
    let recent = stories.iter().filter(|s| (0.0..=signal::DAY_H).contains(&s.age_h)).count();
    Ok((signal::sentiment_24h(&stories), recent))
}
