//! What happens to a rule, and what becomes of it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::condition::Values;
use crate::Symbol;

/// What [`super::step`] is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Values that are known now. Metrics that are missing keep what they were, null ones are
    /// forgotten.
    Observe { trading_day: Option<NaiveDate>, values: Values },
    /// It was asked, and there was no answer.
    NoData,
    /// From `effective` on, one old share is `factor` new ones.
    Split { effective: NaiveDate, factor: f64 },
    /// An operator takes a held price for real.
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
    /// A pending episode came to nothing.
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
    /// Counts up from 1 in each state, and is never used twice.
    pub episode: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a banded episode is unique by, `2026-11-23/down/10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Nobody is told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}
