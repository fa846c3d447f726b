//! Events that a rule is evaluated with, and the changes that follow.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::condition::Values;
use crate::Symbol;

/// Input of [`super::step`].
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Values that are known now. Missing metrics keep their value, null ones are removed.
    Observe { trading_day: Option<NaiveDate>, values: Values },
    /// The provider was called and had no data.
    NoData,
    /// A split: from `effective` on, one old share is `factor` new ones.
    Split { effective: NaiveDate, factor: f64 },
    /// An operator confirms a held price.
    Release,
    /// Time has passed.
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Pending,
    Firing,
    Resolved,
    /// A pending episode was dropped.
    Inactive,
}

impl Phase {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::Inactive => "inactive",
        }
    }
}

/// One change of one episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    pub at: DateTime<Utc>,
    pub to: Phase,
    /// Counts from 1 in each state, and is never used twice.
    pub episode: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Unique key of a banded episode, `2026-11-23/down/10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// No message is sent about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}
