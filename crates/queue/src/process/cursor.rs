//! Position at which the last claims of a queue ended: a hint that lets the next claim begin there.
//!
//! A claim from the start walks over the rows that earlier claims have taken until they are cleaned
//! up, which a long reader prevents for as long as it reads. What a cursor hides (an urgent job, one
//! whose transaction was late, a retried one) is found by the next claim from the start: cursors are for
//! a backlog, and for when that walk has become long, and even then it is made again and again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A cursor may hide a job for this long at least, `SHARE` times as long as the walk over
/// everything took, so that walks take a twentieth of the time, and at most `LONGEST`.
const SHORTEST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
/// A claim from the start that takes longer than this, moving its jobs apart, has walked far.
const LONG_SCAN: Duration = Duration::from_millis(3);
/// Rough time to move a job.
const MOVING: Duration = Duration::from_micros(50);

pub(crate) struct ClaimCursor {
    /// By lane: priority and number of the last job taken.
    last: HashMap<i32, (i16, i64)>,
    scan_was_long: bool,
    from_start_at: Instant,
}

/// A cursor as a statement takes it: lanes, priorities, numbers.
pub(crate) type Arrays = (Vec<i32>, Vec<i16>, Vec<i64>);

impl ClaimCursor {
    pub(crate) fn new() -> Self {
        Self { last: HashMap::new(), scan_was_long: false, from_start_at: Instant::now() }
    }

    /// Position at which the next claim begins; empty: from the start. `backlog`: the last claim got all
    /// asked for.
    pub(crate) fn begin(&self, backlog: bool, now: Instant) -> Arrays {
        let mut arrays = Arrays::default();
        if (backlog || self.scan_was_long) && now < self.from_start_at {
            for (lane, (priority, id)) in &self.last {
                arrays.0.push(*lane);
                arrays.1.push(*priority);
                arrays.2.push(*id);
            }
        }
        arrays
    }

    /// A claim has taken these, in its order; `from`: where it began; `full`: there may be more.
    pub(crate) fn claimed(
        &mut self,
        from: &Arrays,
        taken: impl ExactSizeIterator<Item = (i32, i16, i64)>,
        full: bool,
        asked: Instant,
        now: Instant,
    ) {
        if from.0.is_empty() {
            let jobs = u32::try_from(taken.len()).unwrap_or(u32::MAX);
            let walk = now.duration_since(asked).saturating_sub(MOVING.saturating_mul(jobs));
            self.scan_was_long = walk > LONG_SCAN;
            self.from_start_at = now + (walk * SHARE).clamp(SHORTEST, LONGEST);
            if full {
                // What comes next comes after these, also where a mark was further on.
                self.last.clear();
            }
        }
        for (lane, priority, id) in taken {
            let mark = self.last.entry(lane).or_insert((priority, id));
            *mark = (*mark).max((priority, id));
        }
    }

    /// The longest time, from now on, for which a job may go unseen.
    pub(crate) fn max_staleness(&self, now: Instant) -> Duration {
        if self.scan_was_long {
            self.from_start_at.saturating_duration_since(now)
        } else {
            Duration::ZERO
        }
    }

    /// Nothing is known of what the last claim took.
    pub(crate) fn forget(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn nothing() -> Arrays {
        Arrays::default()
    }

    /// A claim from the start that took so long and got these.
    fn walked(
        cursor: &mut ClaimCursor,
        now: Instant,
        took: Duration,
        jobs: &[(i32, i16, i64)],
        full: bool,
    ) {
        cursor.claimed(&nothing(), jobs.iter().copied(), full, now, now + took);
    }

    #[test]
    fn a_backlog_is_gone_on_with_where_the_last_claim_ended_and_begun_anew_soon() {
        let now = Instant::now();
        let mut cursor = ClaimCursor::new();
        assert_eq!(cursor.begin(true, now), nothing(), "nothing is known yet");
        walked(&mut cursor, now, MS, &[(1, 4, 7), (1, 4, 9), (2, 0, 3)], true);
        let mut next = cursor.begin(true, now + 2 * MS);
        next.0.sort_unstable();
        assert_eq!(next.0, [1, 2]);
        assert!(cursor.begin(true, now + 2 * MS).2.contains(&9));
        assert_eq!(cursor.begin(true, now + 30 * MS), nothing(), "from the start after 25 ms");
        assert_eq!(cursor.begin(false, now + 2 * MS), nothing(), "and when it is over");
    }

    #[test]
    fn after_a_long_walk_marks_hold_without_a_backlog_for_twenty_times_as_long() {
        let now = Instant::now();
        let mut cursor = ClaimCursor::new();
        walked(&mut cursor, now, 10 * MS, &[(1, 4, 7)], false);
        assert_eq!(cursor.begin(false, now + 100 * MS).2, [7]);
        assert!(cursor.max_staleness(now + 100 * MS) > 90 * MS);
        assert_eq!(cursor.begin(false, now + 211 * MS), nothing());
        walked(&mut cursor, now, 100 * MS, &[], false);
        assert_eq!(cursor.begin(false, now + 1_101 * MS), nothing(), "a second at most");
        walked(&mut cursor, now, MS, &[], false);
        assert_eq!(cursor.begin(false, now + 2 * MS), nothing(), "a short walk ends it");
        assert_eq!(cursor.max_staleness(now + 2 * MS), Duration::ZERO);
    }

    #[test]
    fn moving_many_jobs_is_no_long_walk() {
        let now = Instant::now();
        let mut cursor = ClaimCursor::new();
        let jobs: Vec<_> = (0..500).map(|id| (1, 4, id)).collect();
        walked(&mut cursor, now, 20 * MS, &jobs, true);
        assert_eq!(cursor.begin(false, now + 21 * MS), nothing());
    }

    #[test]
    fn a_full_claim_from_the_start_takes_the_mark_back_to_where_it_ended() {
        let now = Instant::now();
        let mut cursor = ClaimCursor::new();
        walked(&mut cursor, now, MS, &[(1, 4, 900)], true);
        walked(&mut cursor, now, MS, &[(1, 0, 950)], true);
        assert_eq!(cursor.begin(true, now + 2 * MS).1, [0], "more urgent ones may follow");
        let from = cursor.begin(true, now + 2 * MS);
        cursor.claimed(&from, [(1, 4, 901)].into_iter(), true, now, now + MS);
        assert_eq!(cursor.begin(true, now + 2 * MS), (vec![1], vec![4], vec![901]));
        cursor.forget();
        assert_eq!(cursor.begin(true, now + 2 * MS), nothing());
    }
}
