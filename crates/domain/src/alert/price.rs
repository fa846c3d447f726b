//! Observed prices on their way to a rule: order of days, splits, and suspected splits.

use chrono::NaiveDate;

use super::condition::{Metric, Values};
use super::engine::Run;
use super::rule::Kind;
use super::state::{Held, Split};
use crate::is_split_sized;

const REMEMBERED_SPLITS: usize = 8;

pub(super) fn observe(run: &mut Run<'_>, day: NaiveDate, values: &Values) {
    if run.state.day.is_some_and(|newest| day < newest) {
        return;
    }
    let split_since =
        |s: &Split| s.effective <= day && run.state.day.is_none_or(|d| s.effective > d);
    if run.state.day.is_some() && run.state.splits.iter().any(split_since) {
        // Prices before and after a split are on different scales, so that none of them has crossed
        // a level.
        run.state.near = run.rule.kind != Kind::PriceCross;
    }
    run.state.day = Some(day);
    run.state.values.update(values);
    run.state.held = None;
    look(run, day, true);
}

pub(super) fn split(run: &mut Run<'_>, effective: NaiveDate, factor: f64) {
    let is_factor = factor.is_finite() && factor > 0.0;
    if !is_factor || !matches!(run.rule.kind, Kind::PriceChange | Kind::PriceCross) {
        return;
    }
    run.state.splits.retain(|s| s.effective != effective);
    run.state.splits.push(Split { effective, factor });
    if run.state.splits.len() > REMEMBERED_SPLITS {
        run.state.splits.remove(0);
    }
    if run.state.held.as_ref().is_some_and(|held| effective <= held.day) {
        run.state.near = run.rule.kind != Kind::PriceCross;
        reconsider(run, true);
    }
}

/// Confirms the held price.
pub(super) fn release(run: &mut Run<'_>) {
    reconsider(run, false);
}

fn reconsider(run: &mut Run<'_>, doubt: bool) {
    if let Some(held) = run.state.held.take() {
        run.state.values.update(&held.values);
        look(run, held.day, doubt);
    }
}

fn look(run: &mut Run<'_>, day: NaiveDate, doubt: bool) {
    let Some(price) = run.state.values.number(Metric::Price).filter(|p| *p > 0.0) else { return };
    let previous = run.state.values.number(Metric::PreviousClose).filter(|p| *p > 0.0);
    let moved = previous.map(|previous| change(run, day, price, previous));
    if doubt && moved.is_some_and(is_split_sized) {
        run.state.held = Some(Held { day, values: run.state.values.clone() });
        return;
    }
    match (run.rule.kind, moved) {
        (Kind::PriceChange, Some(moved)) => run.change(day, moved * 100.0),
        (Kind::PriceChange, None) => {}
        _ => run.weigh(),
    }
}

/// The move against the previous close, on the scale on which it is the smaller: providers
/// differ in whether a previous close is already adjusted on the day of a split.
fn change(run: &Run<'_>, day: NaiveDate, price: f64, previous: f64) -> f64 {
    let raw = (price - previous) / previous;
    run.state
        .splits
        .iter()
        .filter(|s| s.effective == day)
        .map(|s| (price * s.factor - previous) / previous)
        .fold(raw, |least, adjusted| if adjusted.abs() < least.abs() { adjusted } else { least })
}
