//! State of one rule and one symbol between two events.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::condition::Values;
use super::event::Phase;
use super::rule::{Kind, Rule};
use crate::Symbol;

/// An episode that has not ended: pending or firing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub number: u64,
    /// [`Phase::Pending`] or [`Phase::Firing`].
    pub phase: Phase,
    /// Since when its condition has held.
    pub since: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired_at: Option<DateTime<Utc>>,
    /// Below recovery; resolved at this time unless the condition holds again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolves_at: Option<DateTime<Utc>>,
    /// Ends at this time in any case, without a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The label that a `signal_enter` episode is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Bands used up on a trading day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct UsedBands {
    pub(super) day: NaiveDate,
    pub(super) up: f64,
    pub(super) down: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Split {
    pub(super) effective: NaiveDate,
    pub(super) factor: f64,
}

/// An observation whose price looks like an unannounced split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) day: NaiveDate,
    pub(super) values: Values,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub symbol: Option<Symbol>,
    /// The number of the newest episode, 0 before the first.
    pub episodes: u64,
    /// Oldest first; more than one only for banded rules.
    pub open: Vec<Episode>,
    /// The latest time of any event; no later step goes back behind it.
    pub(super) seen: DateTime<Utc>,
    pub(super) values: Values,
    pub(super) no_data: bool,
    /// `price_cross`: the price has been on the other side of the level.
    pub(super) near: bool,
    /// `data_stale`: when the newest data was current.
    pub(super) fresh_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) day: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bands: Option<UsedBands>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<Held>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) splits: Vec<Split>,
}

impl State {
    /// A rule that was added or reset at `now`.
    pub fn new(rule: &Rule, symbol: Option<Symbol>, now: DateTime<Utc>) -> Self {
        Self {
            symbol,
            episodes: 0,
            open: Vec::new(),
            seen: now,
            values: Values::default(),
            no_data: false,
            // A rule with a time beyond a level is about staying there, not about the moment of
            // crossing.
            near: rule.kind != Kind::PriceCross || rule.for_s > 0,
            fresh_at: now,
            day: None,
            bands: None,
            held: None,
            splits: Vec::new(),
        }
    }

    /// Returns true if a price is held back because it looks like a split.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    pub(super) fn begin(&mut self, phase: Phase, now: DateTime<Utc>) -> &mut Episode {
        self.episodes += 1;
        self.open.push(Episode {
            number: self.episodes,
            phase,
            since: now,
            fired_at: (phase == Phase::Firing).then_some(now),
            resolves_at: None,
            ends_at: None,
            key: None,
            label: None,
        });
        self.open.last_mut().expect("one was just pushed")
    }
}
