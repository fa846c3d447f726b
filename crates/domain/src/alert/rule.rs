//! A rule: its condition, and when it fires and resolves.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::condition::{Condition, Metric, Op};
use crate::Symbol;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Per cent against the previous close, once a trading day, direction and band.
    PriceChange,
    /// A price crosses a level.
    PriceCross,
    NegativeSentimentTrend,
    SentimentShift,
    /// The signal has reached the rule's label.
    SignalEnter,
    /// News and price point in opposite directions.
    Divergence,
    /// No price for too long a session time.
    DataStale,
    QuotaExhausted,
    ModelRetiring,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNoData {
    #[default]
    Keep,
    Resolve,
    Fire,
}

/// Result of a jump over several bands: the highest fires and the lower ones are used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnGap {
    #[default]
    Highest,
}

/// Time at which used bands may fire again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resets {
    #[default]
    TradingDay,
}

/// Time by which data ages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Calendar {
    /// Only while the New York Stock Exchange is open.
    #[default]
    #[serde(rename = "NYSE", alias = "XNYS", alias = "nyse", alias = "xnys", alias = "session")]
    Nyse,
    /// All time, for instruments that trade around the clock.
    #[serde(rename = "always", alias = "24x7", alias = "24/7", alias = "none", alias = "wall")]
    Always,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: String,
    pub kind: Kind,
    /// Without one the rule holds for every symbol, each in a state of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Without one the kind's own condition is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire: Option<Condition>,
    /// Without one a firing alert is over when `fire` no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover: Option<Condition>,
    /// Time for which `fire` must hold, in seconds of wall time.
    #[serde(default)]
    pub for_s: u32,
    /// Time for which recovery must last, in seconds of wall time.
    #[serde(default)]
    pub keep_firing_for_s: u32,
    #[serde(default)]
    pub on_no_data: OnNoData,
    /// `price_change`: per cent of either sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<f64>,
    #[serde(default)]
    pub on_gap: OnGap,
    #[serde(default)]
    pub resets: Resets,
    /// `data_stale`: the age from which it fires, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u32>,
    #[serde(default)]
    pub calendar: Calendar,
}

/// Reason why a rule could never work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("rule {id:?}: {reason}")]
pub struct InvalidRule {
    pub id: String,
    pub reason: &'static str,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::PriceChange,
        Self::PriceCross,
        Self::NegativeSentimentTrend,
        Self::SentimentShift,
        Self::SignalEnter,
        Self::Divergence,
        Self::DataStale,
        Self::QuotaExhausted,
        Self::ModelRetiring,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PriceChange => "price_change",
            Self::PriceCross => "price_cross",
            Self::NegativeSentimentTrend => "negative_sentiment_trend",
            Self::SentimentShift => "sentiment_shift",
            Self::SignalEnter => "signal_enter",
            Self::Divergence => "divergence",
            Self::DataStale => "data_stale",
            Self::QuotaExhausted => "quota_exhausted",
            Self::ModelRetiring => "model_retiring",
        }
    }

    /// The condition of a rule that names none; absent if the kind has none.
    pub fn condition(self) -> Option<Condition> {
        let test = |metric, op, value: f64| Condition::test(metric, op, value);
        let label = |word: &str| Condition::test(Metric::Label, Op::Is, word);
        Some(match self {
            Self::PriceChange | Self::PriceCross | Self::DataStale => return None,
            Self::NegativeSentimentTrend => Condition::All {
                all: vec![
                    test(Metric::S24h, Op::AtMost, -0.3),
                    test(Metric::Slope3d, Op::Below, 0.0),
                    test(Metric::Clusters, Op::AtLeast, 3.0),
                ],
            },
            Self::SentimentShift => test(Metric::Shift24h, Op::AtLeast, 0.5),
            Self::SignalEnter => {
                Condition::Any { any: vec![label("STRONG_BUY"), label("STRONG_SELL")] }
            }
            Self::Divergence => {
                let apart = |s_op, s, p_op, p| Condition::All {
                    all: vec![test(Metric::S, s_op, s), test(Metric::P, p_op, p)],
                };
                Condition::Any {
                    any: vec![
                        apart(Op::Above, 0.3, Op::Below, -0.3),
                        apart(Op::Below, -0.3, Op::Above, 0.3),
                    ],
                }
            }
            Self::QuotaExhausted => test(Metric::QuotaRemaining, Op::AtMost, 0.0),
            Self::ModelRetiring => test(Metric::RetiresInS, Op::AtMost, 14.0 * 86_400.0),
        })
    }
}

impl Rule {
    /// A rule of a kind with that kind's own condition and no delays.
    pub fn new(id: impl Into<String>, kind: Kind) -> Self {
        Self {
            id: id.into(),
            kind,
            symbol: None,
            fire: None,
            recover: None,
            for_s: 0,
            keep_firing_for_s: 0,
            on_no_data: OnNoData::Keep,
            bands: Vec::new(),
            on_gap: OnGap::Highest,
            resets: Resets::TradingDay,
            max_age_s: None,
            calendar: Calendar::Nyse,
        }
    }

    pub fn check(&self) -> Result<(), InvalidRule> {
        let fault = [&self.fire, &self.recover]
            .into_iter()
            .flatten()
            .find_map(Condition::fault)
            .or_else(|| self.fault_of_kind());
        match fault {
            Some(reason) => Err(InvalidRule { id: self.id.clone(), reason }),
            None => Ok(()),
        }
    }

    fn fault_of_kind(&self) -> Option<&'static str> {
        match self.kind {
            Kind::PriceChange if self.bands.is_empty() => Some("price_change needs bands"),
            Kind::PriceChange if self.bands.iter().any(|b| !(b.is_finite() && *b > 0.0)) => {
                Some("a band is a positive number of per cent")
            }
            Kind::PriceCross if self.fire.is_none() => Some("price_cross needs a condition: fire"),
            Kind::DataStale if self.max_age_s.is_none() => Some("data_stale needs max_age_s"),
            _ => None,
        }
    }

    /// The condition that fires, the kind's own where the rule names none.
    pub(super) fn fires(&self) -> Option<Condition> {
        self.fire.clone().or_else(|| self.kind.condition())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_name() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn a_rule_that_could_never_fire_is_refused() {
        for kind in [Kind::PriceChange, Kind::PriceCross, Kind::DataStale] {
            assert!(Rule::new("r", kind).check().is_err(), "{kind:?}");
        }
        assert_eq!(Rule::new("r", Kind::Divergence).check(), Ok(()));
    }
}
