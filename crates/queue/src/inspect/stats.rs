//! Throughput over time, from the buckets and unfolded deltas, never from the jobs.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Db, Error, db::interval};

/// Range and step of a chart: buckets are minutes, and a chart has some 60 to 100 steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// 15 minutes in steps of one.
    QuarterHour,
    /// An hour in steps of one minute.
    Hour,
    /// 6 hours in steps of 5 minutes.
    QuarterDay,
    /// 24 hours in steps of 15 minutes.
    Day,
    /// 7 times 24 hours in steps of two hours.
    Week,
}

impl Range {
    /// Returns the range and its step, in seconds.
    const fn seconds(self) -> (u32, u32) {
        match self {
            Self::QuarterHour => (900, 60),
            Self::Hour => (3_600, 60),
            Self::QuarterDay => (21_600, 300),
            Self::Day => (86_400, 900),
            Self::Week => (604_800, 7_200),
        }
    }
}

/// In milliseconds, exact to a quarter of a doubling.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

/// Ends of attempts and jobs, counted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Ended {
    pub completed: u64,
    /// Attempts that are followed by another one.
    pub failed: u64,
    pub discarded: u64,
    pub cancelled: u64,
}

/// One step.
#[derive(Clone, Debug)]
pub struct StatsPoint {
    /// Start of the step.
    pub at: DateTime<Utc>,
    /// Jobs added.
    pub enqueued: u64,
    /// Attempts begun.
    pub started: u64,
    pub ended: Ended,
    /// From available to claimed; `None`: no attempt began.
    pub wait: Option<Spread>,
    /// From claimed to ended; `None`: none ended.
    pub run: Option<Spread>,
}

/// One kind in one queue, over the whole range.
#[derive(Clone, Debug)]
pub struct StatsKind {
    pub kind: String,
    pub queue: String,
    pub ended: Ended,
    pub wait: Option<Spread>,
    pub run: Option<Spread>,
}

#[derive(Clone, Debug)]
pub struct Stats {
    pub range_seconds: u32,
    pub step_seconds: u32,
    /// Start of the first step; steps begin at multiples of their length, in UTC.
    pub from: DateTime<Utc>,
    /// The database's time, within the last step.
    pub to: DateTime<Utc>,
    /// Every step, oldest first.
    pub points: Vec<StatsPoint>,
    /// Kinds with any activity, by name.
    pub kinds: Vec<StatsKind>,
}

/// Returns the activity of a queue and of a kind; `None`: of all.
pub async fn stats(
    db: &Db,
    range: Range,
    queue: Option<&str>,
    kind: Option<&str>,
) -> Result<Stats, Error> {
    let (range_seconds, step_seconds) = range.seconds();
    let step = TimeDelta::seconds(step_seconds.into());
    let to = crate::schedule::now(db).await?;
    let last = to.timestamp() - to.timestamp().rem_euclid(step_seconds.into());
    let last = DateTime::from_timestamp(last, 0).unwrap_or(to);
    let from = last + step - TimeDelta::seconds(range_seconds.into());
    let rows = sqlx::query!(
        r#"select date_bin($1, m.at, 'epoch') as "at?", l.queue as "queue?", m.kind as "kind?",
            m.was as "was!", m.became as "became!", m.duration as "duration!", sum(m.n)::bigint as "n!"
        from (
            select b.minute as at, b.lane, b.kind, b.was, b.became, b.duration, b.n from queue.bucket b
            where b.minute >= $2 and b.minute < $3
            union all
            select d.at, d.lane, d.kind, coalesce(d.was, ''), coalesce(d.became, ''), coalesce(d.duration, -1)::smallint, d.n
            from queue.delta d
            where d.at >= $2 and d.at < $3
        ) m join queue.lane l on l.id = m.lane
        where m.became <> '' and ($4::text is null or l.queue = $4) and ($5::text is null or m.kind = $5)
        group by grouping sets (
            (date_bin($1, m.at, 'epoch'), m.was, m.became, m.duration),
            (l.queue, m.kind, m.was, m.became, m.duration))"#,
        interval(Duration::from_secs(step_seconds.into())),
        from,
        last + step,
        queue,
        kind,
    )
    .fetch_all(db)
    .await?;

    let mut steps: BTreeMap<DateTime<Utc>, Sum> = BTreeMap::new();
    let mut at = from;
    while at <= last {
        steps.insert(at, Sum::default());
        at += step;
    }
    let mut kinds: BTreeMap<(String, String), Sum> = BTreeMap::new();
    for row in rows {
        let sum = match (row.at, row.kind.zip(row.queue)) {
            (Some(at), _) => steps.entry(at).or_default(),
            (None, Some(kind)) => kinds.entry(kind).or_default(),
            (None, None) => continue,
        };
        sum.add(&row.was, &row.became, row.duration, row.n);
    }
    Ok(Stats {
        range_seconds,
        step_seconds,
        from,
        to,
        points: steps
            .into_iter()
            .map(|(at, sum)| StatsPoint {
                at,
                enqueued: sum.enqueued,
                started: sum.started,
                ended: sum.ended,
                wait: sum.wait.spread(),
                run: sum.run.spread(),
            })
            .collect(),
        kinds: kinds
            .into_iter()
            .map(|((kind, queue), sum)| StatsKind {
                kind,
                queue,
                ended: sum.ended,
                wait: sum.wait.spread(),
                run: sum.run.spread(),
            })
            .collect(),
    })
}

#[derive(Default)]
struct Sum {
    enqueued: u64,
    started: u64,
    ended: Ended,
    wait: Durations,
    run: Durations,
}

impl Sum {
    fn add(&mut self, was: &str, became: &str, duration: i16, n: i64) {
        let count = u64::try_from(n).unwrap_or(0);
        match (was, became) {
            ("", _) => self.enqueued += count,
            (_, "running") => {
                self.started += count;
                self.wait.add(duration, count);
            }
            (_, "completed") => self.ended.completed += count,
            (_, "discarded") => self.ended.discarded += count,
            (_, "cancelled") => self.ended.cancelled += count,
            // without a duration: snoozed after a failure, its attempt not spent
            ("running", "retryable") if duration >= 0 => self.ended.failed += count,
            _ => {}
        }
        // an attempt that leads to `available` (released, throttled, lost) counts no run
        if was == "running" && became != "available" {
            self.run.add(duration, count);
        }
    }
}

/// Counts durations by class.
#[derive(Default)]
struct Durations(BTreeMap<i16, u64>);

impl Durations {
    fn add(&mut self, class: i16, n: u64) {
        if class >= 0 {
            *self.0.entry(class).or_default() += n;
        }
    }

    fn spread(&self) -> Option<Spread> {
        let total: u64 = self.0.values().sum();
        let at = |percent: u64| {
            let mut upto = 0;
            let class = self.0.iter().find(|(_, n)| {
                upto += **n;
                upto * 100 >= total * percent
            });
            class.map(|(class, _)| middle(*class))
        };
        if total == 0 {
            return None;
        }
        Some(Spread { p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

/// Returns the middle of a duration class, in milliseconds.
pub(super) fn middle(class: i16) -> f64 {
    if class == 0 { 0.5 } else { ((f64::from(class) - 0.5) / 4.0).exp2() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_first_class_that_so_many_reach() {
        let mut durations = Durations::default();
        assert_eq!(durations.spread(), None);
        durations.add(-1, 1_000);
        assert_eq!(durations.spread(), None, "without a time there is nothing to spread");
        durations.add(9, 94);
        durations.add(17, 5);
        durations.add(33, 1);
        let spread = durations.spread().unwrap();
        assert_eq!((spread.p50, spread.p95, spread.p99), (middle(9), middle(17), middle(17)));
        assert!((4.0..5.0).contains(&spread.p50), "class 9 begins at 4 ms: {spread:?}");
    }

    #[test]
    fn every_range_is_a_whole_number_of_steps() {
        for range in [Range::QuarterHour, Range::Hour, Range::QuarterDay, Range::Day, Range::Week] {
            let (range, step) = range.seconds();
            assert!(range.is_multiple_of(step) && step.is_multiple_of(60), "{range} {step}");
            assert!(range / step <= 100);
        }
    }
}
