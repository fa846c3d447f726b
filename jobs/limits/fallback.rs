//! Fallback times of the readers' lane: minutes while the exchange is open, and while it is closed
//! as long as no trade can depend on the news.

use std::time::Duration;

use bellwether_domain::calendar;
use bellwether_queue::{
    Db, inspect,
    limits::{LaneKey, set_lane},
};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{Error, analyze_article};

/// Fallback time while the exchange is open: as long as news is fresh.
pub(super) const FALLBACK_AFTER: Duration = Duration::from_mins(10);
/// Longest fallback time: a calendar window that resets within it is waited for.
const LONGEST: Duration = Duration::from_hours(12);
/// News that waited for a better model is read this long before the exchange opens.
const BEFORE_THE_OPEN: TimeDelta = TimeDelta::hours(1);

fn worth(now: DateTime<Utc>) -> Duration {
    if calendar::is_open(now) {
        return FALLBACK_AFTER;
    }
    let left = calendar::next_open(now) - now - BEFORE_THE_OPEN;
    left.to_std().unwrap_or_default().clamp(FALLBACK_AFTER, LONGEST)
}

/// Sets the fallback time of the hour for every model of the readers' lane, also of a lane that an
/// operator has defined; `None`: there are no models. The last key of the lane has no fallback and
/// is not changed.
pub(crate) async fn adjust_fallback_waits(
    pool: &Db,
    now: DateTime<Utc>,
) -> Result<Option<Duration>, Error> {
    let worth = worth(now);
    let mut places = Vec::new();
    for limit in inspect::limits(pool).await? {
        let own = limit.lanes.into_iter().find(|l| {
            (l.queue.as_str(), l.lane.as_str()) == (analyze_article::QUEUE, analyze_article::LANE)
        });
        places.extend(own.map(|place| (limit.key, place)));
    }
    let waits: Vec<f64> = places.iter().filter_map(|(_, place)| place.wait_s).collect();
    if waits.iter().all(|wait| (wait - worth.as_secs_f64()).abs() < 1.0) {
        return Ok((!waits.is_empty()).then_some(worth));
    }
    places.sort_by_key(|(_, place)| place.position);
    let keys: Vec<LaneKey> = places
        .into_iter()
        .map(|(key, place)| LaneKey {
            fallback_after: place.wait_s.map(|_| worth),
            tokens: u32::try_from(place.tokens).unwrap_or(u32::MAX),
            micros: u64::try_from(place.micros).unwrap_or(0),
            ..LaneKey::new(key)
        })
        .collect();
    set_lane(pool, analyze_article::QUEUE, analyze_article::LANE, &keys).await?;
    Ok(Some(worth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_worth_minutes_while_the_exchange_is_open_and_hours_while_it_is_closed() {
        let cases = [
            ("an open exchange", "2026-11-23T17:00:00Z", FALLBACK_AFTER),
            ("the last minute", "2026-11-23T20:59:00Z", FALLBACK_AFTER),
            ("after the close", "2026-11-23T21:00:00Z", LONGEST),
            ("five hours before the open", "2026-11-24T09:30:00Z", Duration::from_hours(4)),
            ("half an hour before it", "2026-11-24T14:00:00Z", FALLBACK_AFTER),
            ("after a short day", "2026-11-27T18:00:00Z", LONGEST),
            ("the afternoon of a full one", "2026-11-30T18:00:00Z", FALLBACK_AFTER),
            ("a holiday", "2026-11-26T17:00:00Z", LONGEST),
            ("a weekend", "2026-11-28T17:00:00Z", LONGEST),
            (
                "summer, three hours before the open",
                "2026-07-06T10:30:00Z",
                Duration::from_hours(2),
            ),
        ];
        for (what, now, expected) in cases {
            assert_eq!(worth(now.parse().unwrap()), expected, "{what}");
        }
    }
}
