//! Bands of a day's move: each fires once a trading day and direction, the highest of a jump.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::engine::Run;
use super::event::Phase;
use super::state::UsedBands;
use crate::calendar;

/// Tolerance of prices, which have at most six decimals: a price this near to a band has reached
/// it.
const TOUCH: f64 = 1e-9;
/// Time before the close from which a band lasts until the end of the day, so that its message is
/// still sent.
const LAST_CALL: TimeDelta = TimeDelta::minutes(5);

pub(super) fn observe(run: &mut Run<'_>, day: NaiveDate, per_cent: f64) {
    let Some(ends_at) = end(day, run.now) else { return };
    let mut used = match run.state.bands {
        Some(used) if used.day >= day => used,
        _ => UsedBands { day, up: 0.0, down: 0.0 },
    };
    let reached = |band: &f64| per_cent.abs() + TOUCH >= *band;
    let down = per_cent < 0.0;
    retreat(run, &mut used, per_cent);

    let highest = run.rule.bands.iter().copied().filter(reached).fold(0.0, f64::max);
    let mark = if down { &mut used.down } else { &mut used.up };
    let fires = highest > *mark;
    if fires {
        *mark = highest;
    }
    run.state.bands = Some(used);
    if fires {
        let key = key(day, down, highest);
        let episode = run.begin(None);
        episode.key = Some(key.clone());
        episode.ends_at = Some(ends_at);
        if let Some(transition) = run.out.last_mut() {
            transition.key = Some(key);
        }
    }
}

/// A pending band that the price has left is dropped, and may be reached again.
fn retreat(run: &mut Run<'_>, used: &mut UsedBands, per_cent: f64) {
    for number in pending(run) {
        let Some(episode) = run.state.open.iter().find(|e| e.number == number) else { continue };
        let Some((down, band)) = episode.key.as_deref().and_then(parts) else { continue };
        let still = (per_cent < 0.0) == down && per_cent.abs() + TOUCH >= band;
        if !still {
            run.close(number, None, false);
            let lower = run.rule.bands.iter().copied().filter(|b| *b < band).fold(0.0, f64::max);
            if down {
                used.down = used.down.min(lower);
            } else {
                used.up = used.up.min(lower);
            }
        }
    }
}

fn pending(run: &Run<'_>) -> Vec<u64> {
    run.state.open.iter().filter(|e| e.phase == Phase::Pending).map(|e| e.number).collect()
}

fn key(day: NaiveDate, down: bool, band: f64) -> String {
    format!("{day}/{}/{band}", if down { "down" } else { "up" })
}

fn parts(key: &str) -> Option<(bool, f64)> {
    let mut parts = key.split('/').skip(1);
    Some((parts.next()? == "down", parts.next()?.parse().ok()?))
}

/// When a band that fires now ends: with its session, or with the day if the session had ended by
/// then. `None` if a newer session has begun: an old price raises no alert.
fn end(day: NaiveDate, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if calendar::last_begun(now).day > day {
        return None;
    }
    let close = calendar::session(day).map(|s| s.closes);
    let in_session = close.filter(|close| now + LAST_CALL <= *close);
    Some(in_session.unwrap_or_else(|| calendar::end_of_day(calendar::local_day(now))))
}
