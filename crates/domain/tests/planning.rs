//! Months of the planner against a provider that publishes closes when it likes.

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
struct World {
    /// Time from the close to its publication; each session differs by up to `jitter`.
    delay: TimeDelta,
    jitter: TimeDelta,
    /// The first symbol has no closes from this day on.
    halted_from: Option<NaiveDate>,
    /// The provider answers nothing between these instants, and counts the calls.
    outage: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

#[derive(Debug, Default)]
struct Month {
    sessions: u32,
    /// Pairs of symbol and session, and those known before the next open.
    closes: u32,
    in_time: u32,
    calls: u32,
    wasted: u32,
    topics: u32,
}

impl Month {
    fn wasted_percent(&self) -> f64 {
        100.0 * f64::from(self.wasted) / f64::from(self.calls)
    }

    fn topics_a_session(&self) -> f64 {
        f64::from(self.topics) / f64::from(self.sessions)
    }
}

fn at(moment: &str) -> DateTime<Utc> {
    moment.parse().unwrap()
}

impl World {
    fn new(delay_minutes: i64) -> Self {
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
    fn month(&self, symbols: usize) -> Month {
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

#[test]
fn a_month_of_closes_is_known_before_each_open_and_few_calls_are_wasted() {
    for symbols in [5, 10, 20] {
        for delay in [20, 120, 300] {
            let month = World::new(delay).month(symbols);
            let what = format!("{symbols} symbols, {delay} min: {month:?}");
            assert_eq!(month.in_time, month.closes, "{what}");
            assert!(month.wasted_percent() <= 2.0, "{what}");
        }
    }
}

#[test]
fn calls_that_no_close_needs_go_to_the_feed_of_all_symbols() {
    let of = |symbols| World::new(120).month(symbols).topics_a_session();
    assert!(of(5) >= 10.0, "{}", of(5));
    assert!(of(20) >= 2.0, "{}", of(20));
}

#[test]
fn a_halted_symbol_costs_a_call_a_week_and_no_other_symbol_its_close() {
    for delay in [20, 120, 300] {
        let halted_from = Some("2026-09-10".parse().unwrap());
        let month = World { halted_from, ..World::new(delay) }.month(20);
        assert_eq!(month.in_time, month.closes, "{month:?}");
        assert!(month.wasted_percent() <= 3.0, "{delay} min: {month:?}");
    }
}

#[test]
fn an_outage_of_an_evening_is_made_up_before_the_next_open() {
    let outage = Some((at("2026-09-15T20:00:00Z"), at("2026-09-16T01:00:00Z")));
    let month = World { outage, ..World::new(120) }.month(5);
    assert_eq!(month.in_time, month.closes, "{month:?}");
}

#[test]
fn more_symbols_than_calls_take_turns() {
    let month = World::new(120).month(100);
    let share = f64::from(month.in_time) / f64::from(month.closes);
    assert!(share >= 0.2, "{month:?}");
    assert!(month.wasted_percent() <= 2.0, "{month:?}");
}

#[test]
fn a_publication_at_another_hour_each_day_is_followed() {
    let world = World { jitter: TimeDelta::minutes(120), ..World::new(60) };
    let month = world.month(20);
    assert_eq!(month.in_time, month.closes, "{month:?}");
    assert!(month.wasted_percent() <= 4.0, "{month:?}");
}
