//! Conditions of rules: tests of metrics, joined by all and any.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A metric that a rule can test, each with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Price in the instrument's currency.
    Price,
    /// Close of the session before the trading day.
    PreviousClose,
    /// Per cent against the previous close.
    Change,
    /// `P` of the newest signal.
    P,
    /// `S` of the newest signal.
    S,
    /// Sentiment of clusters of the last 24 h.
    #[serde(rename = "s_24h")]
    S24h,
    /// Absolute difference of `s_24h` from its value 24 h ago.
    #[serde(rename = "shift_24h")]
    Shift24h,
    /// Slope of `s_24h` per day over the last three session closes.
    #[serde(rename = "slope_3d")]
    Slope3d,
    /// Number of clusters behind `s_24h`.
    Clusters,
    /// `C` of the newest signal.
    Composite,
    /// Label of the newest signal, a word.
    Label,
    /// Age of the newest price in seconds, by the wall clock.
    AgeS,
    /// Calls left in the longest window of a limit key.
    QuotaRemaining,
    /// Seconds until the provider withdraws a model.
    RetiresInS,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    #[serde(rename = "<")]
    Below,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = ">")]
    Above,
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = "==")]
    Is,
    #[serde(rename = "!=")]
    IsNot,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Number(f64),
    Text(String),
}

/// Values by metric. An unknown metric has no entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(BTreeMap<String, Option<Value>>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Condition {
    All { all: Vec<Condition> },
    Any { any: Vec<Condition> },
    Test(Test),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    pub metric: Metric,
    pub op: Op,
    pub value: Value,
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::PreviousClose => "previous_close",
            Self::Change => "change",
            Self::P => "p",
            Self::S => "s",
            Self::S24h => "s_24h",
            Self::Shift24h => "shift_24h",
            Self::Slope3d => "slope_3d",
            Self::Clusters => "clusters",
            Self::Composite => "composite",
            Self::Label => "label",
            Self::AgeS => "age_s",
            Self::QuotaRemaining => "quota_remaining",
            Self::RetiresInS => "retires_in_s",
        }
    }
}

impl Values {
    pub fn set(&mut self, metric: Metric, value: impl Into<Value>) {
        self.0.insert(metric.name().to_owned(), Some(value.into()));
    }

    /// The same values and one more.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: impl Into<Value>) -> Self {
        self.set(metric, value);
        self
    }

    pub fn get(&self, metric: Metric) -> Option<&Value> {
        self.0.get(metric.name())?.as_ref()
    }

    /// Absent for words and for numbers that are not finite.
    pub fn number(&self, metric: Metric) -> Option<f64> {
        match self.get(metric)? {
            Value::Number(n) if n.is_finite() => Some(*n),
            // Prices are serialised as strings.
            Value::Text(t) => t.parse().ok().filter(|n: &f64| n.is_finite()),
            Value::Number(_) => None,
        }
    }

    pub fn text(&self, metric: Metric) -> Option<&str> {
        match self.get(metric)? {
            Value::Text(t) => Some(t),
            Value::Number(_) => None,
        }
    }

    /// Takes over the values of `newer`; a null removes the metric.
    pub(super) fn update(&mut self, newer: &Self) {
        for (name, value) in &newer.0 {
            match value {
                Some(known) => self.0.insert(name.clone(), Some(known.clone())),
                None => self.0.remove(name),
            };
        }
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

impl From<&str> for Value {
    fn from(t: &str) -> Self {
        Self::Text(t.to_owned())
    }
}

impl Condition {
    pub fn test(metric: Metric, op: Op, value: impl Into<Value>) -> Self {
        Self::Test(Test { metric, op, value: value.into() })
    }

    /// Returns whether it holds; `None` if that depends on an unknown metric.
    pub fn holds(&self, values: &Values) -> Option<bool> {
        match self {
            Self::All { all } => all
                .iter()
                .map(|c| c.holds(values))
                .try_fold(Some(true), |so_far, one| match one {
                    Some(false) => Err(()),
                    None => Ok(None),
                    Some(true) => Ok(so_far),
                })
                .unwrap_or(Some(false)),
            Self::Any { any } => any
                .iter()
                .map(|c| c.holds(values))
                .try_fold(Some(false), |so_far, one| match one {
                    Some(true) => Err(()),
                    None => Ok(None),
                    Some(false) => Ok(so_far),
                })
                .unwrap_or(Some(true)),
            Self::Test(test) => test.holds(values),
        }
    }

    /// Refuses an empty list and a comparison of words by size.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::All { all: list } | Self::Any { any: list } => {
                if list.is_empty() {
                    return Some("a list of conditions is empty");
                }
                list.iter().find_map(Self::fault)
            }
            Self::Test(Test { value: Value::Number(n), .. }) if !n.is_finite() => {
                Some("a value is not finite")
            }
            Self::Test(Test { op: Op::Is | Op::IsNot, .. }) => None,
            Self::Test(Test { value: Value::Text(t), .. }) if t.parse::<f64>().is_err() => {
                Some("words have no order: use == or !=")
            }
            Self::Test(_) => None,
        }
    }
}

impl Test {
    fn holds(&self, values: &Values) -> Option<bool> {
        let wanted = match &self.value {
            Value::Number(n) => Some(*n),
            Value::Text(t) => t.parse().ok(),
        };
        if let Some(wanted) = wanted {
            let n = values.number(self.metric)?;
            return Some(match self.op {
                Op::Below => n < wanted,
                Op::AtMost => n <= wanted,
                Op::Above => n > wanted,
                Op::AtLeast => n >= wanted,
                Op::Is => n == wanted,
                Op::IsNot => n != wanted,
            });
        }
        let Value::Text(wanted) = &self.value else { return None };
        let word = values.text(self.metric)?;
        match self.op {
            Op::Is => Some(word == wanted),
            Op::IsNot => Some(word != wanted),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Condition {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_unknown_metric_leaves_open_only_what_hangs_on_it() {
        let known = Values::default().with(Metric::Price, 90.0);
        let price = r#"{"metric":"price","op":"<","value":100}"#;
        let news = r#"{"metric":"s_24h","op":"<=","value":-0.3}"#;
        assert_eq!(parse(price).holds(&known), Some(true));
        assert_eq!(parse(news).holds(&known), None);
        assert_eq!(parse(&format!(r#"{{"all":[{price},{news}]}}"#)).holds(&known), None);
        assert_eq!(parse(&format!(r#"{{"any":[{news},{price}]}}"#)).holds(&known), Some(true));
        let dear = r#"{"metric":"price","op":">","value":100}"#;
        assert_eq!(parse(&format!(r#"{{"all":[{news},{dear}]}}"#)).holds(&known), Some(false));
    }

    #[test]
    fn labels_are_compared_as_words() {
        let known = Values::default().with(Metric::Label, "STRONG_SELL");
        let is = r#"{"metric":"label","op":"==","value":"STRONG_SELL"}"#;
        assert_eq!(parse(is).holds(&known), Some(true));
        assert!(parse(r#"{"metric":"label","op":"<","value":"BUY"}"#).fault().is_some());
    }

    #[test]
    fn an_unknown_metric_name_is_no_condition() {
        let json = r#"{"metric":"prise","op":"<","value":1}"#;
        assert!(serde_json::from_str::<Condition>(json).is_err());
    }
}
