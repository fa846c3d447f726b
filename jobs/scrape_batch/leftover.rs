//! Capacity that a model's longest window will not need before it resets, the news of the next day
//! taken into account.

use bellwether_domain::calendar;
use bellwether_queue::{inspect, limits};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::{Error, limits::length_s};

/// Age up to which a better reading is still of use to readers of the history.
pub(super) const WORTH_KNOWING: TimeDelta = TimeDelta::days(7);
const DAY: TimeDelta = TimeDelta::hours(24);
/// Most readings that one batch adds.
const MOST: u32 = 50;

/// Calls that a key can spare now. While the exchange is open, news may still come: none.
pub(super) async fn of(
    views: &[inspect::LimitView],
    conn: &mut PgConnection,
    key: &str,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    if calendar::is_open(now) {
        return Ok(0);
    }
    let Some(room) = limits::capacity(&mut *conn, key).await? else { return Ok(0) };
    let resets_at = views.iter().find(|view| view.key == key).and_then(longest_resets_at);
    let news = store::article::count_stories(conn, now - DAY).await?;
    Ok(spare(room, u32::try_from(news).unwrap_or(u32::MAX), resets_at, now))
}

/// When the longest window resets, if it follows a calendar.
fn longest_resets_at(view: &inspect::LimitView) -> Option<DateTime<Utc>> {
    view.windows
        .iter()
        .filter(|w| w.dimension == "requests")
        .max_by(|a, b| length_s(a).total_cmp(&length_s(b)))?
        .resets_at
}

/// Capacity beyond the waiting jobs and as much news as the last day brought: for the rest of a
/// calendar's period, or for a whole day if the window rolls and a call made now is missing until
/// tomorrow at this time.
fn spare(
    room: limits::Capacity,
    news: u32,
    resets_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> u32 {
    if room.permits == 0 {
        return 0;
    }
    let until = resets_at.map_or(DAY, |at| (at - now).clamp(TimeDelta::zero(), DAY));
    let part = until.as_seconds_f64() / DAY.as_seconds_f64();
    let reserved = (f64::from(news) * part).ceil() as u32;
    room.longest.saturating_sub(room.waiting).saturating_sub(reserved).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_over_quota_depends_on_the_reset_of_the_window() {
        let now: DateTime<Utc> = "2026-11-24T02:00:00Z".parse().unwrap();
        let room = |longest, waiting| limits::Capacity { permits: 1, longest, waiting };
        assert_eq!(spare(room(130, 0), 100, None, now), 30, "tomorrow's news is provided for");
        let midnight_pacific = Some(now + TimeDelta::hours(6));
        assert_eq!(spare(room(60, 10), 100, midnight_pacific, now), 25);
        assert_eq!(spare(room(60, 0), 100, Some(now), now), MOST);
        assert_eq!(spare(room(60, 70), 0, None, now), 0);
        let parked = limits::Capacity { permits: 0, longest: 500, waiting: 0 };
        assert_eq!(spare(parked, 0, None, now), 0);
    }
}
