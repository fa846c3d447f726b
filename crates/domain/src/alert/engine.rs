//! One step of one rule: from a state, an event and a time to the next state and its changes.
//!
//! inactive → pending (`for_s`) → firing → below recovery (`keep_firing_for_s`) → resolved.

use chrono::{DateTime, TimeDelta, Utc};

use super::condition::Metric;
use super::event::{Event, Phase, Transition};
use super::rule::{Calendar, Kind, OnNoData, Rule};
use super::state::{Episode, State};
use super::{band, price, stale};
use crate::calendar;

/// Timers that are due by `now` run first, in order of their times, then the event.
pub fn step(
    state: State,
    rule: &Rule,
    event: &Event,
    now: DateTime<Utc>,
) -> (State, Vec<Transition>) {
    let mut run = Run { state, rule, now, out: Vec::new() };
    run.timers(now);
    run.now = now.max(run.state.seen);
    run.state.seen = run.now;
    run.event(event);
    run.timers(run.now);
    (run.state, run.out)
}

/// The time at which [`step`] needs an [`Event::Tick`] if no other event comes before.
pub fn next_timer(state: &State, rule: &Rule) -> Option<DateTime<Utc>> {
    earliest(state, rule).map(|(due, _)| due.max(state.seen))
}

#[derive(Clone, Copy)]
enum Timer {
    Fire(u64),
    Resolve(u64),
    End(u64),
    Stale,
}

fn earliest(state: &State, rule: &Rule) -> Option<(DateTime<Utc>, Timer)> {
    let suspended = state.no_data && rule.on_no_data == OnNoData::Keep;
    let of_episodes = state.open.iter().flat_map(|e| {
        let fire = (e.phase == Phase::Pending && !suspended)
            .then(|| (e.since + seconds(rule.for_s), Timer::Fire(e.number)));
        let resolve = e.resolves_at.map(|at| (at, Timer::Resolve(e.number)));
        let end = e.ends_at.map(|at| (at, Timer::End(e.number)));
        [end, fire, resolve].into_iter().flatten()
    });
    let stale = stale::due(state, rule).map(|at| (at, Timer::Stale));
    of_episodes.chain(stale).min_by_key(|(due, _)| *due)
}

pub(super) fn seconds(n: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(n))
}

/// A step in progress.
pub(super) struct Run<'a> {
    pub(super) state: State,
    pub(super) rule: &'a Rule,
    pub(super) now: DateTime<Utc>,
    pub(super) out: Vec<Transition>,
}

impl Run<'_> {
    fn timers(&mut self, until: DateTime<Utc>) {
        while let Some((due, timer)) = earliest(&self.state, self.rule) {
            if due > until {
                break;
            }
            self.now = due.max(self.state.seen);
            self.state.seen = self.now;
            match timer {
                Timer::Fire(number) => self.fire(number),
                Timer::Resolve(number) => self.close(number, None, false),
                Timer::End(number) => self.close(number, Some("session_end"), true),
                Timer::Stale => stale::begin(self),
            }
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Observe { trading_day, values } => {
                self.state.no_data = false;
                match self.rule.kind {
                    Kind::DataStale => stale::observe(self, *trading_day, values),
                    Kind::PriceChange | Kind::PriceCross => {
                        let day = trading_day.unwrap_or_else(|| calendar::local_day(self.now));
                        price::observe(self, day, values);
                    }
                    _ => {
                        self.state.values.update(values);
                        self.weigh();
                    }
                }
            }
            Event::NoData => self.no_data(),
            Event::Split { effective, factor } => price::split(self, *effective, *factor),
            Event::Release => price::release(self),
            Event::Tick => {}
        }
    }

    /// Evaluates the rule's conditions with the known values.
    pub(super) fn weigh(&mut self) {
        let Some(fire) = self.rule.fires() else { return };
        let met = fire.holds(&self.state.values);
        if met == Some(false) {
            self.state.near = true;
        }
        match self.state.open.last().map(|e| (e.number, e.phase, e.label.clone())) {
            None => {
                if met == Some(true) && self.state.near {
                    self.begin(None);
                }
            }
            Some((number, Phase::Pending, _)) => {
                if met == Some(false) {
                    self.close(number, None, false);
                }
            }
            Some((number, _, label)) => {
                let recovered = match &self.rule.recover {
                    Some(recover) => recover.holds(&self.state.values),
                    None => met.map(|met| !met),
                };
                if met == Some(true) && label.is_some() && label.as_deref() != self.label() {
                    // A change from one STRONG label to the other is another episode.
                    self.close(number, Some("label_changed"), false);
                    self.begin(None);
                } else if let Some(recovered) = recovered {
                    self.recovery(number, recovered);
                }
            }
        }
    }

    fn label(&self) -> Option<&str> {
        match self.rule.kind {
            Kind::SignalEnter => self.state.values.text(Metric::Label),
            _ => None,
        }
    }

    /// A new episode, pending unless the rule has no `for_s`.
    pub(super) fn begin(&mut self, reason: Option<&str>) -> &mut Episode {
        if self.rule.kind == Kind::PriceCross && self.rule.for_s == 0 {
            self.state.near = false;
        }
        let label = self.label().map(str::to_owned);
        let phase = if self.rule.for_s == 0 { Phase::Firing } else { Phase::Pending };
        let number = {
            let episode = self.state.begin(phase, self.now);
            episode.label = label;
            episode.number
        };
        self.tell(number, phase, reason, false);
        self.state.open.last_mut().expect("it has just begun")
    }

    fn fire(&mut self, number: u64) {
        let now = self.now;
        if let Some(episode) = self.state.open.iter_mut().find(|e| e.number == number) {
            episode.phase = Phase::Firing;
            episode.fired_at = Some(now);
        }
        self.tell(number, Phase::Firing, None, false);
    }

    /// Ends an episode: resolved if it had fired, otherwise dropped.
    pub(super) fn close(&mut self, number: u64, reason: Option<&str>, silent: bool) {
        let phase = self.state.open.iter().find(|e| e.number == number).map(|e| e.phase);
        let to = if phase == Some(Phase::Firing) { Phase::Resolved } else { Phase::Inactive };
        self.tell(number, to, reason, silent);
        self.state.open.retain(|e| e.number != number);
    }

    /// Moves a firing episode below or above its recovery threshold.
    pub(super) fn recovery(&mut self, number: u64, recovered: bool) {
        let keep = seconds(self.rule.keep_firing_for_s);
        if recovered && keep.is_zero() {
            return self.close(number, None, false);
        }
        let now = self.now;
        if let Some(episode) = self.state.open.iter_mut().find(|e| e.number == number) {
            episode.resolves_at = recovered.then(|| episode.resolves_at.unwrap_or(now + keep));
        }
    }

    fn no_data(&mut self) {
        // A band ends with its session; staleness needs no data.
        if matches!(self.rule.kind, Kind::PriceChange | Kind::DataStale) {
            return;
        }
        self.state.no_data = true;
        let newest = self.state.open.last().map(|e| (e.number, e.phase));
        match (self.rule.on_no_data, newest) {
            (OnNoData::Keep, _) | (OnNoData::Resolve, None) => {}
            (OnNoData::Resolve, Some((number, _))) => self.close(number, Some("no_data"), false),
            (OnNoData::Fire, None) => {
                self.begin(Some("no_data"));
            }
            (OnNoData::Fire, Some((number, phase))) => {
                if phase == Phase::Firing {
                    self.recovery(number, false);
                }
            }
        }
    }

    pub(super) fn tell(&mut self, number: u64, to: Phase, reason: Option<&str>, silent: bool) {
        let Some(episode) = self.state.open.iter().find(|e| e.number == number) else { return };
        self.out.push(Transition {
            rule: self.rule.id.clone(),
            symbol: self.state.symbol.clone(),
            at: self.now,
            to,
            episode: number,
            reason: reason.map(str::to_owned),
            key: episode.key.clone(),
            silent,
        });
    }

    pub(super) fn change(&mut self, day: chrono::NaiveDate, per_cent: f64) {
        band::observe(self, day, per_cent);
    }
}

/// Time that the exchange, or the clock, has run between two instants.
pub(super) fn age(rule: &Rule, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
    match rule.calendar {
        Calendar::Nyse => calendar::open_time(from, to),
        Calendar::Always => to - from,
    }
}
