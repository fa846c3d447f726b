//! Where the last claims of a queue ended: a hint that lets the next one begin there.
//!
//! A claim from the start walks over the rows that earlier claims have taken until they are cleaned
//! up, which a long reader prevents for as long as it reads. What a mark hides (an urgent job, one
//! whose transaction was late, a retried one) is found by the next claim from the start: marks are for
//! a backlog, and for when that walk has become long, and even then it is made again and again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How long marks may hide a job: this long at least, `SHARE` times as long as the walk over
/// everything took, so that walks take a twentieth of the time, and at most `LONGEST`.
const SHORTEST: Duration = Duration::from_millis(25);
const LONGEST: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
/// A claim from the start that takes longer than this, moving its jobs apart, has walked far.
const FAR: Duration = Duration::from_millis(3);
/// What moving a job takes, roughly.
const MOVING: Duration = Duration::from_micros(50);

pub(crate) struct Marks {
    /// By lane: priority and number of the last job taken.
    last: HashMap<i32, (i16, i64)>,
    far: bool,
    from_start_at: Instant,
}

/// Marks as a statement takes them: lanes, priorities, numbers.
pub(crate) type Arrays = (Vec<i32>, Vec<i16>, Vec<i64>);

impl Marks {
    pub(crate) fn new() -> Self {
        Self { last: HashMap::new(), far: false, from_start_at: Instant::now() }
    }

    /// Where the next claim begins; nothing: from the start. `backlog`: the last one got all that it
    /// asked for.
    pub(crate) fn begin(&self, backlog: bool, now: Instant) -> Arrays {
        let mut arrays = Arrays::default();
        if (backlog || self.far) && now < self.from_start_at {
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
            self.far = walk > FAR;
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

    /// How long a job may go unseen from now on.
    pub(crate) fn hide_for(&self, now: Instant) -> Duration {
        if self.far { self.from_start_at.saturating_duration_since(now) } else { Duration::ZERO }
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
        marks: &mut Marks,
        now: Instant,
        took: Duration,
        jobs: &[(i32, i16, i64)],
        full: bool,
    ) {
        marks.claimed(&nothing(), jobs.iter().copied(), full, now, now + took);
    }

    #[test]
    fn a_backlog_is_gone_on_with_where_the_last_claim_ended_and_begun_anew_soon() {
        let now = Instant::now();
        let mut marks = Marks::new();
        assert_eq!(marks.begin(true, now), nothing(), "nothing is known yet");
        walked(&mut marks, now, MS, &[(1, 4, 7), (1, 4, 9), (2, 0, 3)], true);
        let mut next = marks.begin(true, now + 2 * MS);
        next.0.sort_unstable();
        assert_eq!(next.0, [1, 2]);
        assert!(marks.begin(true, now + 2 * MS).2.contains(&9));
        assert_eq!(marks.begin(true, now + 30 * MS), nothing(), "from the start after 25 ms");
        assert_eq!(marks.begin(false, now + 2 * MS), nothing(), "and when it is over");
    }

    #[test]
    fn after_a_long_walk_marks_hold_without_a_backlog_for_twenty_times_as_long() {
        let now = Instant::now();
        let mut marks = Marks::new();
        walked(&mut marks, now, 10 * MS, &[(1, 4, 7)], false);
        assert_eq!(marks.begin(false, now + 100 * MS).2, [7]);
        assert!(marks.hide_for(now + 100 * MS) > 90 * MS);
        assert_eq!(marks.begin(false, now + 211 * MS), nothing());
        walked(&mut marks, now, 100 * MS, &[], false);
        assert_eq!(marks.begin(false, now + 1_101 * MS), nothing(), "a second at most");
        walked(&mut marks, now, MS, &[], false);
        assert_eq!(marks.begin(false, now + 2 * MS), nothing(), "a short walk ends it");
        assert_eq!(marks.hide_for(now + 2 * MS), Duration::ZERO);
    }

    #[test]
    fn moving_many_jobs_is_no_long_walk() {
        let now = Instant::now();
        let mut marks = Marks::new();
        let jobs: Vec<_> = (0..500).map(|id| (1, 4, id)).collect();
        walked(&mut marks, now, 20 * MS, &jobs, true);
        assert_eq!(marks.begin(false, now + 21 * MS), nothing());
    }

    #[test]
    fn a_full_claim_from_the_start_takes_the_mark_back_to_where_it_ended() {
        let now = Instant::now();
        let mut marks = Marks::new();
        walked(&mut marks, now, MS, &[(1, 4, 900)], true);
        walked(&mut marks, now, MS, &[(1, 0, 950)], true);
        assert_eq!(marks.begin(true, now + 2 * MS).1, [0], "more urgent ones may follow");
        let from = marks.begin(true, now + 2 * MS);
        marks.claimed(&from, [(1, 4, 901)].into_iter(), true, now, now + MS);
        assert_eq!(marks.begin(true, now + 2 * MS), (vec![1], vec![4], vec![901]));
        marks.forget();
        assert_eq!(marks.begin(true, now + 2 * MS), nothing());
    }
}
