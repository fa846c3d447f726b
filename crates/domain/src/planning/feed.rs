//! When to spend a call on a request that serves every symbol.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar;

/// Hours in New York between which news is worth most: from before the open until after the close.
const FROM: u32 = 7;
const UNTIL: u32 = 17;
/// The shortest time between two calls; what is published meanwhile fits into one answer.
const APART: TimeDelta = TimeDelta::minutes(30);

/// A feed that answers for every symbol at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedState {
    /// When it last answered.
    pub asked_at: Option<DateTime<Utc>>,
}

/// True if one of `spare` calls is due at `now`. They are spread evenly over the rest of the day's hours,
/// so that the last one falls before their end.
pub fn is_feed_due(now: DateTime<Utc>, feed: FeedState, spare: u32) -> bool {
    let hour = calendar::local_hour(now);
    if spare == 0 || !(FROM..=UNTIL).contains(&hour) {
        return false;
    }
    let left = TimeDelta::hours(i64::from(UNTIL + 1 - hour));
    let pace = (left / i32::try_from(spare).unwrap_or(i32::MAX)).max(APART);
    feed.asked_at.is_none_or(|asked_at| now - asked_at >= pace)
}
