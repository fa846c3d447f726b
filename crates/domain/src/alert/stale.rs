//! Stale data: its age is counted in time during which it should have arrived.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::condition::{Metric, Values};
use super::engine::{Run, age, seconds};
use super::event::Phase;
use super::rule::{Calendar, Kind, Rule};
use super::state::State;
use crate::calendar;

/// The time at which the newest data will be too old.
pub(super) fn due(state: &State, rule: &Rule) -> Option<DateTime<Utc>> {
    if rule.kind != Kind::DataStale {
        return None;
    }
    // Data that becomes stale again while its alert recovers keeps that alert.
    if state.open.last().is_some_and(|e| e.resolves_at.is_none()) {
        return None;
    }
    let most = seconds(rule.max_age_s?);
    let at = match rule.calendar {
        Calendar::Nyse => calendar::after_open_time(state.fresh_at, most),
        Calendar::Always => state.fresh_at + most,
    };
    (at < DateTime::<Utc>::MAX_UTC).then_some(at)
}

pub(super) fn begin(run: &mut Run<'_>) {
    match run.state.open.last().map(|e| e.number) {
        Some(number) => run.recovery(number, false),
        None => {
            run.begin(None);
        }
    }
}

/// A price of an earlier day was current until that day's close, however late it arrives.
pub(super) fn observe(run: &mut Run<'_>, day: Option<NaiveDate>, values: &Values) {
    let mut fresh_at = run.now;
    if let Some(age_s) = values.number(Metric::AgeS) {
        fresh_at -= TimeDelta::try_seconds(age_s.clamp(0.0, 1e9) as i64).unwrap_or_default();
    } else if let Some(session) = day.and_then(calendar::session) {
        fresh_at = fresh_at.min(session.closes);
    } else if day.is_none() && values.number(Metric::Price).is_none() {
        return;
    }
    run.state.fresh_at = run.state.fresh_at.max(fresh_at);
    let most = seconds(run.rule.max_age_s.unwrap_or(u32::MAX));
    let is_fresh = age(run.rule, run.state.fresh_at, run.now) < most;
    let open = run.state.open.last().map(|e| (e.number, e.phase));
    match open {
        Some((number, Phase::Pending)) if is_fresh => run.close(number, None, false),
        Some((number, Phase::Firing)) => run.recovery(number, is_fresh),
        _ => {}
    }
}
