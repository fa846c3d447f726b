//! A month of the planner against a provider that publishes closes at an hour of its own.

use bellwether_domain::{
    Symbol, calendar,
    planning::{
        Arrival, FeedState, Observation, Publication, Quota, Renewal, Tracked, is_feed_due,
        plan_closes,
    },
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

const ROUND: TimeDelta = TimeDelta::minutes(30);
const STARTS: &str = "2026-08-31T12:00:00Z";
/// The planner starts without any knowledge; its first days are not judged.
const JUDGED_FROM: &str = "2026-09-08T13:30:00Z";
const ENDS: &str = "2026-10-07T13:30:00Z";

/// A provider whose free plan answers with the newest published close.
pub(crate) struct World {
    /// Time from the close to its publication; each session differs by up to `jitter`.
    pub(crate) delay: TimeDelta,
    pub(crate) jitter: TimeDelta,
    /// The first symbol has no closes from this day on.
    pub(crate) halted_from: Option<NaiveDate>,
    /// The provider answers nothing between these instants, and counts the calls.
    pub(crate) outage: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Month {
    pub(crate) sessions: u32,
    /// Pairs of symbol and session, and those known before the next open.
    pub(crate) closes: u32,
    pub(crate) in_time: u32,
    pub(crate) calls: u32,
    pub(crate) wasted: u32,
    pub(crate) topics: u32,
}

impl Month {
    pub(crate) fn wasted_percent(&self) -> f64 {
        100.0 * f64::from(self.wasted) / f64::from(self.calls)
    }

    pub(crate) fn topics_a_session(&self) -> f64 {
        f64::from(self.topics) / f64::from(self.sessions)
    }
}

pub(crate) fn at(moment: &str) -> DateTime<Utc> {
    moment.parse().unwrap()
}

impl World {
    pub(crate) fn new(delay_minutes: i64) -> Self {
        let delay = TimeDelta::minutes(delay_minutes);
        Self { delay, jitter: TimeDelta::zero(), halted_from: None, outage: None }
    }

    /// The newest close that is published for a symbol.
    fn published(&self, n: usize, now: DateTime<Utc>) -> NaiveDate {
        let sessions = calendar::completed(now, 60);
        let is_out = |day: NaiveDate, closes: DateTime<Utc>| {
            let seed = i32::try_from(closes.timestamp() / 86_400 * 37 % 5).unwrap();
            let is_halted = n == 0 && self.halted_from.is_some_and(|from| day >= from);
            !is_halted && closes + self.delay + self.jitter * seed / 4 <= now
        };
        sessions.iter().rev().find(|s| is_out(s.day, s.closes)).unwrap().day
    }

    fn is_out_of_order(&self, now: DateTime<Utc>) -> bool {
        self.outage.is_some_and(|(from, until)| from <= now && now < until)
    }

    /// A month with so many symbols on 25 calls in 25 hours.
    pub(crate) fn month(&self, symbols: usize) -> Month {
        let mut tracked: Vec<Tracked> = (0..symbols)
            .map(|n| Tracked {
                symbol: format!("S{n}").parse::<Symbol>().unwrap(),
                last_close: None,
                asked_at: None,
                misses: 0,
                important: false,
            })
            .collect();
        let window = TimeDelta::hours(25);
        let mut quota = Quota { amount: 25, renewal: Renewal::Rolling(window), spent: Vec::new() };
        let mut arrivals: Vec<Arrival> = Vec::new();
        let mut feed = FeedState::default();
        let mut month = Month::default();
        let (mut now, from) = (at(STARTS), at(JUDGED_FROM));
        while now < at(ENDS) {
            let judged = u32::from(now >= from);
            let begun = calendar::last_begun(now);
            if begun.opens <= now && now < begun.opens + ROUND && now >= from {
                month.sessions += 1;
                // the close of the session before, for every symbol that has one
                let due = calendar::last_completed(now);
                for (n, tracked) in tracked.iter().enumerate() {
                    let has_one = n > 0 || self.halted_from.is_none_or(|from| due.day < from);
                    month.closes += u32::from(has_one);
                    let is_known = tracked.last_close.is_some_and(|day| day >= due.day);
                    month.in_time += u32::from(has_one && is_known);
                }
            }

            let session = calendar::last_completed(now);
            let publication = Publication::new(arrivals.clone());
            let plan = plan_closes(now, &tracked, &publication);
            let free = quota.free_at(now) as usize;
            for symbol in plan.due.iter().take(free) {
                quota.spent.push(now);
                month.calls += judged;
                if self.is_out_of_order(now) {
                    month.wasted += judged;
                    continue;
                }
                let n = tracked.iter().position(|t| t.symbol == *symbol).unwrap();
                let known = &mut tracked[n];
                let published = self.published(n, now);
                let is_new = known.last_close.is_none_or(|day| day < published);
                month.wasted += judged * u32::from(!is_new);
                known.last_close = Some(published);
                known.asked_at = Some(now);
                let publication = Publication::new(arrivals.clone());
                if !arrivals.iter().any(|a| a.closes == session.closes) {
                    let closes = session.closes;
                    arrivals.push(Arrival { closes, misses: 0, missed_at: None, seen_at: None });
                }
                let arrival = arrivals.iter_mut().find(|a| a.closes == session.closes).unwrap();
                match publication.observe(session.closes, published >= session.day) {
                    Observation::Present => {
                        known.misses = 0;
                        arrival.seen_at.get_or_insert(now);
                    }
                    Observation::Unpublished => {
                        arrival.misses += 1;
                        arrival.missed_at = Some(now);
                    }
                    Observation::Lagging => known.misses += 1,
                }
            }
            let plan = plan_closes(now, &tracked, &Publication::new(arrivals.clone()));
            let spare = quota.spare(now, plan.next_at, plan.then + 1);
            if plan.due.is_empty() && is_feed_due(now, feed, spare) {
                quota.spent.push(now);
                feed.asked_at = Some(now);
                month.calls += judged;
                month.topics += judged;
                month.wasted += judged * u32::from(self.is_out_of_order(now));
            }
            quota.spent.retain(|call| *call + window > now);
            now += ROUND;
        }
        month
    }
}
