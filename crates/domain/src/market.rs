//! Prices of one instrument on one trading day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Symbol;

/// One completed session. Prices are raw, not adjusted for splits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    pub day: NaiveDate,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    pub volume: i64,
}

/// The newest price of a trading day; the day is the provider's, never that of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub symbol: Symbol,
    pub trading_day: NaiveDate,
    pub price: Decimal,
    pub open: Option<Decimal>,
    pub high: Option<Decimal>,
    pub low: Option<Decimal>,
    pub previous_close: Option<Decimal>,
    pub volume: Option<i64>,
}

/// Smallest move between two closes, of either sign, that is taken for an unannounced split: the
/// prices before and after it are not comparable.
const SPLIT: f64 = 0.35;

/// Returns true if a price is so far from the one before that the symbol may have split.
pub fn looks_like_a_split(before: f64, after: f64) -> bool {
    is_split_sized(after / before - 1.0)
}

/// Returns true if a relative move is as large as that of a split.
pub(crate) fn is_split_sized(moved: f64) -> bool {
    moved.abs() > SPLIT
}

impl Quote {
    /// Returns true if this is a new observation after `last`: another day, or the same day at
    /// another price. An older day is none.
    pub fn is_news_after(&self, last: Option<(NaiveDate, Decimal)>) -> bool {
        last.is_none_or(|(day, price)| {
            self.trading_day > day || (self.trading_day == day && self.price != price)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_day_at_the_same_price_is_no_new_observation() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let quote = Quote {
            symbol: "AAPL".parse().unwrap(),
            trading_day: day,
            price: Decimal::new(1002, 1),
            open: None,
            high: None,
            low: None,
            previous_close: None,
            volume: None,
        };
        assert!(quote.is_news_after(None));
        assert!(!quote.is_news_after(Some((day, Decimal::new(10020, 2)))));
        assert!(quote.is_news_after(Some((day, Decimal::new(1003, 1)))));
        assert!(!quote.is_news_after(day.succ_opt().map(|later| (later, Decimal::ONE))));
    }
}
