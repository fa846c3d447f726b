//! When a provider publishes the closes of a session.

use chrono::{DateTime, TimeDelta, Utc};

/// Wait after the close while no session has been observed.
const DEFAULT: TimeDelta = TimeDelta::minutes(90);
/// The publication time is looked for until it is known this exactly.
const EXACT: TimeDelta = TimeDelta::minutes(30);
/// Sessions that count; older ones may have been published at another hour.
const SESSIONS: usize = 20;
/// Wait after the first answer without the close; it doubles with each further one.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(30);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(4);

/// The search for the closes of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub closes: DateTime<Utc>,
    /// Answers in a row that lacked the close, and the time of the last one.
    pub misses: u32,
    pub missed_at: Option<DateTime<Utc>>,
    /// When an answer first held it.
    pub seen_at: Option<DateTime<Utc>>,
}

/// What an answer about a symbol says of the session's publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// It holds the close: the session is published.
    Present,
    /// It lacks the close, which no answer has held yet: probably not published.
    Unpublished,
    /// It lacks a close that is published for other symbols.
    Lagging,
}

/// The searches of the newest sessions.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    arrivals: Vec<Arrival>,
}

impl Publication {
    /// From the sessions' searches, in any order.
    pub fn new(mut arrivals: Vec<Arrival>) -> Self {
        arrivals.sort_by_key(|arrival| std::cmp::Reverse(arrival.closes));
        Self { arrivals }
    }

    /// True if an answer has held the close of the session that ended at `closes`.
    pub fn is_seen(&self, closes: DateTime<Utc>) -> bool {
        self.find(closes).is_some_and(|arrival| arrival.seen_at.is_some())
    }

    /// Judges an answer that held the close of the session that ended at `closes`, or lacked it.
    pub fn observe(&self, closes: DateTime<Utc>, has_close: bool) -> Observation {
        match (has_close, self.is_seen(closes)) {
            (true, _) => Observation::Present,
            (false, false) => Observation::Unpublished,
            (false, true) => Observation::Lagging,
        }
    }

    /// The earliest time at which the next request for the session that ended at `closes` is worth a
    /// call: after the learned delay, later after answers that lacked it.
    pub fn next_request(&self, closes: DateTime<Utc>) -> DateTime<Utc> {
        match self.find(closes) {
            Some(&Arrival { misses, missed_at: Some(missed_at), .. }) => {
                let doubled = FIRST_WAIT * 2_i32.pow(misses.clamp(1, 8) - 1);
                missed_at + doubled.min(LONGEST_WAIT)
            }
            _ => closes + self.delay(closes),
        }
    }

    /// Time from a close to the first request for it. Between the latest answer that lacked a close
    /// and the earliest that held one lies the publication; while that is known less exactly than
    /// half an hour, the middle is tried, since a request that succeeds costs nothing.
    pub fn delay(&self, before: DateTime<Utc>) -> TimeDelta {
        let earlier = || self.arrivals.iter().filter(|a| a.closes < before).take(SESSIONS);
        let after = |a: &Arrival, at: Option<DateTime<Utc>>| at.map(|at| at - a.closes);
        let absent = earlier().filter_map(|a| after(a, a.missed_at)).max();
        let absent = absent.unwrap_or(TimeDelta::zero());
        let mut present: Vec<_> = earlier().filter_map(|a| after(a, a.seen_at)).collect();
        present.sort();
        let safe = present.iter().copied().find(|delay| *delay > absent);
        match (safe, present.first()) {
            (None, None) => DEFAULT.max(absent + EXACT),
            (None, Some(_)) => absent + EXACT,
            // published once before and once after the same wait: its hour varies
            (Some(safe), Some(first)) if *first <= absent => safe,
            // the first request may have been late for other reasons: nothing speaks for the middle
            (Some(safe), _) if absent.is_zero() => {
                DEFAULT.min(if safe > EXACT { safe / 2 } else { safe })
            }
            (Some(safe), _) if safe - absent > EXACT => absent + (safe - absent) / 2,
            (Some(safe), _) => safe,
        }
    }

    fn find(&self, closes: DateTime<Utc>) -> Option<&Arrival> {
        self.arrivals.iter().find(|arrival| arrival.closes == closes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(n)
    }

    /// The session of day `n`, missed and seen so many minutes after its close.
    fn arrival(n: i64, missed: Option<i64>, seen: Option<i64>) -> Arrival {
        let after = |minutes: i64| day(n) + TimeDelta::minutes(minutes);
        let misses = missed.is_some().into();
        Arrival { closes: day(n), misses, missed_at: missed.map(after), seen_at: seen.map(after) }
    }

    fn delay(arrivals: Vec<Arrival>) -> i64 {
        Publication::new(arrivals).delay(day(100)).num_minutes()
    }

    #[test]
    fn the_delay_is_narrowed_down_between_a_miss_and_a_success() {
        assert_eq!(delay(vec![]), 90);
        assert_eq!(delay(vec![arrival(1, None, Some(90))]), 45, "an earlier one is tried");
        assert_eq!(delay(vec![arrival(1, None, Some(90)), arrival(2, None, Some(60))]), 30);
        assert_eq!(
            delay(vec![arrival(1, None, Some(1_920))]),
            90,
            "it was asked late, not published late"
        );
        assert_eq!(delay(vec![arrival(1, Some(180), Some(300))]), 240);
        assert_eq!(
            delay(vec![arrival(1, Some(180), Some(300)), arrival(2, Some(240), Some(270))]),
            270
        );
    }

    #[test]
    fn an_hour_that_varies_is_answered_by_the_latest_one_needed() {
        let varies = vec![arrival(1, None, Some(90)), arrival(2, Some(120), Some(150))];
        assert_eq!(delay(varies), 150);
        assert_eq!(delay(vec![arrival(1, None, Some(90)), arrival(2, Some(120), None)]), 150);
        assert_eq!(delay(vec![arrival(1, Some(120), None)]), 150);
    }

    #[test]
    fn old_sessions_are_forgotten() {
        let mut arrivals: Vec<_> = (1..=20).map(|n| arrival(n + 10, None, Some(30))).collect();
        arrivals.push(arrival(1, Some(600), Some(700)));
        assert_eq!(delay(arrivals), 30);
    }

    #[test]
    fn each_answer_without_the_close_doubles_the_wait() {
        let missed_at = day(1) + TimeDelta::hours(2);
        let wait = |misses| {
            let closes = day(1);
            let search = Arrival { closes, misses, missed_at: Some(missed_at), seen_at: None };
            (Publication::new(vec![search]).next_request(closes) - missed_at).num_minutes()
        };
        assert_eq!([1, 2, 3, 4, 5, 60].map(wait), [30, 60, 120, 240, 240, 240]);
    }
}
