//! `/api/latest-data`: the latest quote of each watched symbol, and its age.

use std::sync::Arc;

use axum::extract::State;
use bellwether_domain::calendar;
use bellwether_store::summary::{self, Latest};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{app::Shared, page::Page, problem::Result, replica::ReplicaRead},
};

/// Trading hours without any answer after which a price is stale, as in the default alert rule.
const SILENCE: TimeDelta = TimeDelta::hours(4);

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(latest_data))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Quote {
    #[schema(value_type = String, example = "AAPL")]
    symbol: bellwether_domain::Symbol,
    name: Option<String>,
    currency: String,
    /// `null` until a provider has returned one.
    #[schema(value_type = Option<String>, example = "231.45")]
    price: Option<Decimal>,
    /// Against the previous close.
    #[schema(value_type = Option<String>, example = "-2.97")]
    change: Option<Decimal>,
    /// Against the previous close, in percent, two decimals.
    #[schema(value_type = Option<String>, example = "-1.27")]
    change_percent: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    previous_close: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    open: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    high: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    low: Option<Decimal>,
    volume: Option<i64>,
    /// The exchange's day that the price belongs to.
    trading_day: Option<NaiveDate>,
    /// The time of the price itself: its session's close once that session is over.
    price_time: Option<DateTime<Utc>>,
    /// When a provider last answered for this symbol.
    checked_at: Option<DateTime<Utc>>,
    /// The same as `checked_at`.
    as_of: Option<DateTime<Utc>>,
    /// True if the newest session that has begun has no price yet, or no provider has answered for
    /// four trading hours.
    stale: bool,
    /// The provider.
    source: Option<String>,
}

impl Quote {
    pub(crate) fn of(latest: Latest, now: DateTime<Utc>) -> Self {
        let checked_at = latest.quote_seen_at.max(latest.first_seen_at);
        let seen = latest.trading_day.zip(checked_at);
        let difference = latest.price.zip(latest.previous_close).map(|(p, before)| p - before);
        Self {
            change: difference.map(plain),
            change_percent: change(latest.price, latest.previous_close),
            symbol: latest.symbol,
            name: latest.name,
            currency: latest.currency,
            price: latest.price.map(plain),
            previous_close: latest.previous_close.map(plain),
            open: latest.open.map(plain),
            high: latest.high.map(plain),
            low: latest.low.map(plain),
            volume: latest.volume,
            trading_day: latest.trading_day,
            price_time: seen.map(|(day, seen)| calendar::price_time(day, seen)),
            checked_at,
            as_of: checked_at,
            stale: seen.is_none_or(|(day, seen)| is_stale(day, seen, now)),
            source: latest.provider,
        }
    }
}

/// A price with at least two decimals and no zeros after them.
pub(crate) fn plain(price: Decimal) -> Decimal {
    let mut price = price.normalize();
    if price.scale() < 2 {
        price.rescale(2);
    }
    price
}

fn change(price: Option<Decimal>, previous: Option<Decimal>) -> Option<Decimal> {
    let (price, previous) = (price?, previous?);
    let ratio = (price - previous).checked_div(previous)?;
    let mut percent = ratio.checked_mul(Decimal::ONE_HUNDRED)?.round_dp(2);
    percent.rescale(2);
    Some(percent)
}

fn is_stale(day: NaiveDate, seen: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    day < calendar::last_begun(now).day || calendar::open_time(seen, now) >= SILENCE
}

/// Lists the latest quote of each watched symbol.
#[utoipa::path(
    get, path = "/api/latest-data", tag = "product", operation_id = "listLatestData",
    responses((status = 200, body = Page<Quote>)),
)]
async fn latest_data(State(app): Shared) -> Result<ReplicaRead<Page<Quote>>> {
    let read = app
        .read(|pool| async move {
            let now = bellwether_store::now(&pool).await?;
            Ok((summary::list_latest_quotes(&pool).await?, now))
        })
        .await?;
    Ok(read.map(|(latest, now)| {
        Page::all(latest.into_iter().map(|latest| Quote::of(latest, now)).collect())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_in_percent_with_two_decimals() {
        let d = |text: &str| Some(text.parse::<Decimal>().unwrap());
        assert_eq!(change(d("101"), d("100")).unwrap().to_string(), "1.00");
        assert_eq!(change(d("88.005"), d("100")).unwrap().to_string(), "-12.00");
        assert_eq!(change(d("1"), None), None);
        assert_eq!(change(d("1"), d("0")), None);
    }

    #[test]
    fn a_price_has_two_decimals_or_as_many_as_it_needs() {
        for (stored, shown) in [("98.730000", "98.73"), ("100", "100.00"), ("0.123400", "0.1234")] {
            assert_eq!(plain(stored.parse().unwrap()).to_string(), shown);
        }
    }

    #[test]
    fn a_price_is_stale_once_a_newer_session_has_begun_or_no_provider_answers() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let friday = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let seen = at("2026-11-20T21:05:00Z");
        // over the weekend there is no newer price
        assert!(!is_stale(friday, seen, at("2026-11-22T18:00:00Z")));
        assert!(is_stale(friday, seen, at("2026-11-23T14:31:00Z")));
        let monday = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let seen = at("2026-11-23T14:31:00Z");
        assert!(!is_stale(monday, seen, at("2026-11-23T18:00:00Z")));
        assert!(is_stale(monday, seen, at("2026-11-23T18:31:00Z")));
    }
}
