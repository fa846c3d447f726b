//! Replays a script of rules and events to its end, without waiting.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::advance::{Policy, observe};
use super::condition::Values;
use super::engine::next_timer;
use super::event::{Event, Transition};
use super::notify::{Group, Notification, Settings, Silence};
use super::rule::{InvalidRule, Rule};
use super::state::State;
use crate::Symbol;

/// Most timers of a replay; more are a mistake, such as a repeat every second for a year.
const MOST_TIMERS: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Script {
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub notify: Settings,
    pub events: Vec<Happening>,
    pub until: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Happening {
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum What {
    Observe {
        symbol: Symbol,
        #[serde(default)]
        trading_day: Option<NaiveDate>,
        values: Values,
    },
    NoData {
        symbol: Symbol,
    },
    Acknowledge {
        rule: String,
        #[serde(default)]
        symbol: Option<Symbol>,
        #[serde(default)]
        by: String,
    },
    Snooze {
        rule: String,
        #[serde(default)]
        symbol: Option<Symbol>,
        until: DateTime<Utc>,
    },
    Silence {
        until: DateTime<Utc>,
        #[serde(default)]
        matcher: Matcher,
        #[serde(default)]
        comment: String,
    },
    Split {
        symbol: Symbol,
        effective: NaiveDate,
        factor: f64,
    },
    Release {
        symbol: Symbol,
    },
}

/// The alerts that a silence matches; without a symbol, all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    #[serde(default)]
    pub symbol: Option<Symbol>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replay {
    pub transitions: Vec<Transition>,
    pub notifications: Vec<Notification>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    #[error(transparent)]
    Rule(#[from] InvalidRule),
    #[error("two rules have the id {0:?}")]
    SameId(String),
    #[error("events[{0}] is earlier than the one before it")]
    Order(usize),
    #[error("events[{index}]: there is no rule {rule:?}")]
    NoSuchRule { index: usize, rule: String },
    #[error("more than {MOST_TIMERS} timers ran out before the end")]
    TooLong,
}

/// Replays a script up to `until`.
pub fn replay(script: &Script) -> Result<Replay, ReplayError> {
    check(script)?;
    let mut play = Play::new(script);
    for happening in script.events.iter().take_while(|h| h.at <= script.until) {
        play.advance(happening.at)?;
        play.happen(happening);
        play.send(happening.at);
    }
    play.advance(script.until)?;
    Ok(play.out)
}

fn check(script: &Script) -> Result<(), ReplayError> {
    for (n, rule) in script.rules.iter().enumerate() {
        rule.check()?;
        if script.rules[..n].iter().any(|r| r.id == rule.id) {
            return Err(ReplayError::SameId(rule.id.clone()));
        }
    }
    for (index, happening) in script.events.iter().enumerate() {
        if index > 0 && happening.at < script.events[index - 1].at {
            return Err(ReplayError::Order(index));
        }
        if let What::Acknowledge { rule, .. } | What::Snooze { rule, .. } = &happening.what
            && script.rules.iter().all(|r| r.id != *rule)
        {
            return Err(ReplayError::NoSuchRule { index, rule: rule.clone() });
        }
    }
    Ok(())
}

struct Play<'a> {
    script: &'a Script,
    begins: DateTime<Utc>,
    now: DateTime<Utc>,
    /// By index of the rule and symbol.
    states: BTreeMap<(usize, Symbol), State>,
    groups: BTreeMap<Symbol, Group>,
    silences: Vec<Silence>,
    timers: usize,
    out: Replay,
}

impl<'a> Play<'a> {
    fn new(script: &'a Script) -> Self {
        let begins = script.events.first().map_or(script.until, |h| h.at);
        let states = script.rules.iter().enumerate().filter_map(|(n, rule)| {
            let symbol = rule.symbol.clone()?;
            Some(((n, symbol.clone()), State::new(rule, Some(symbol), begins)))
        });
        Self {
            script,
            begins,
            now: begins,
            states: states.collect(),
            groups: BTreeMap::new(),
            silences: Vec::new(),
            timers: 0,
            out: Replay::default(),
        }
    }

    /// Runs every timer up to `until`, in order.
    fn advance(&mut self, until: DateTime<Utc>) -> Result<(), ReplayError> {
        while let Some(at) = self.next_timer().filter(|at| *at <= until) {
            self.now = at;
            self.timers += 1;
            if self.timers > MOST_TIMERS {
                return Err(ReplayError::TooLong);
            }
            let keys: Vec<_> = self.states.keys().cloned().collect();
            for key in keys {
                self.step(&key, &Event::Tick, at);
            }
            self.send(at);
        }
        Ok(())
    }

    fn next_timer(&self) -> Option<DateTime<Utc>> {
        let of_rules =
            self.states.iter().filter_map(|((n, _), s)| next_timer(s, &self.script.rules[*n]));
        let of_groups = self
            .groups
            .values()
            .filter_map(|g| g.next_timer(&self.script.notify, &self.silences, self.now));
        of_rules.chain(of_groups).min()
    }

    fn happen(&mut self, happening: &Happening) {
        let at = happening.at;
        self.now = at;
        match &happening.what {
            What::Observe { symbol, trading_day, values } => {
                let event = Event::Observe { trading_day: *trading_day, values: values.clone() };
                self.tell(symbol, &event, at);
            }
            What::NoData { symbol } => self.tell(symbol, &Event::NoData, at),
            What::Split { symbol, effective, factor } => {
                self.tell(symbol, &Event::Split { effective: *effective, factor: *factor }, at);
            }
            What::Release { symbol } => self.tell(symbol, &Event::Release, at),
            What::Acknowledge { rule, symbol, by } => {
                for group in self.groups_of(symbol.as_ref()) {
                    group.acknowledge(rule, by);
                }
            }
            What::Snooze { rule, symbol, until } => {
                for group in self.groups_of(symbol.as_ref()) {
                    group.snooze(rule, *until);
                }
            }
            What::Silence { until, matcher, comment } => self.silences.push(Silence {
                from: at,
                until: *until,
                symbol: matcher.symbol.clone(),
                comment: comment.clone(),
            }),
        }
    }

    fn groups_of<'b>(
        &'b mut self,
        symbol: Option<&'b Symbol>,
    ) -> impl Iterator<Item = &'b mut Group> {
        self.groups
            .iter_mut()
            .filter(move |(of, _)| symbol.is_none_or(|symbol| symbol == *of))
            .map(|(_, group)| group)
    }

    /// Evaluates every rule that concerns the symbol.
    fn tell(&mut self, symbol: &Symbol, event: &Event, at: DateTime<Utc>) {
        for (n, rule) in self.script.rules.iter().enumerate() {
            if rule.symbol.as_ref().is_none_or(|of| of == symbol) {
                self.step(&(n, symbol.clone()), event, at);
            }
        }
    }

    fn step(&mut self, key: &(usize, Symbol), event: &Event, at: DateTime<Utc>) {
        let rule = &self.script.rules[key.0];
        let state = self
            .states
            .remove(key)
            .unwrap_or_else(|| State::new(rule, Some(key.1.clone()), self.begins));
        let group =
            self.groups.entry(key.1.clone()).or_insert_with(|| Group::new(Some(key.1.clone())));
        let policy = Policy { settings: &self.script.notify, silences: &self.silences };
        let (state, transitions) = observe(state, group, rule, event, policy, at);
        self.states.insert(key.clone(), state);
        self.out.transitions.extend(transitions);
    }

    fn send(&mut self, at: DateTime<Utc>) {
        for group in self.groups.values_mut() {
            self.out.notifications.extend(group.due(&self.script.notify, &self.silences, at));
        }
    }
}
