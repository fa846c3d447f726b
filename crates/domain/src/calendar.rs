//! Sessions of the New York Stock Exchange: 9:30 to 16:00 in New York, with the exceptions of
//! `data/nyse.csv`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::America::New_York;
use serde::{Deserialize, Serialize};

/// The last day in the table. Later weekdays count as full sessions, also holidays.
pub const EXPIRES: NaiveDate =
    NaiveDate::from_ymd_opt(2027, 12, 31).expect("a day of the calendar");

const OPENS: NaiveTime = NaiveTime::from_hms_opt(9, 30, 0).expect("a time of day");
const CLOSES: NaiveTime = NaiveTime::from_hms_opt(16, 0, 0).expect("a time of day");
const EARLY: NaiveTime = NaiveTime::from_hms_opt(4, 0, 0).expect("a time of day");
const LATE: TimeDelta = TimeDelta::hours(4);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub day: NaiveDate,
    pub opens: DateTime<Utc>,
    pub closes: DateTime<Utc>,
}

/// The part of an exchange's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Closed,
    /// Early trading: from 4:00 in New York to the open.
    Pre,
    Open,
    /// Late trading: the four hours after the close.
    Post,
}

/// Exceptional days: `None` is closed all day, otherwise the early close.
static EXCEPTIONS: LazyLock<BTreeMap<NaiveDate, Option<NaiveTime>>> = LazyLock::new(|| {
    include_str!("../data/nyse.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.splitn(3, ',');
            let day = cells.next().and_then(|c| c.parse().ok()).expect("the table names days");
            let closes = cells.next().expect("the table names closes");
            let early = NaiveTime::parse_from_str(closes, "%H:%M").ok();
            assert!(early.is_some() || closes == "closed", "an unreadable close on {day}");
            (day, early)
        })
        .collect()
});

/// The session of a day in New York, if there is one.
pub fn session(day: NaiveDate) -> Option<Session> {
    if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        return None;
    }
    let closes = match EXCEPTIONS.get(&day) {
        Some(None) => return None,
        Some(Some(early)) => *early,
        None => CLOSES,
    };
    Some(Session { day, opens: instant(day, OPENS), closes: instant(day, closes) })
}

/// The newest session that has opened by `t`.
pub fn last_begun(t: DateTime<Utc>) -> Session {
    sessions_back(t).find(|s| s.opens <= t).expect("no closure lasts for years")
}

/// The newest session that has closed by `t`.
pub fn last_completed(t: DateTime<Utc>) -> Session {
    sessions_back(t).find(|s| s.closes <= t).expect("no closure lasts for years")
}

pub fn is_open(t: DateTime<Utc>) -> bool {
    session(local_day(t)).is_some_and(|s| s.opens <= t && t < s.closes)
}

/// The part of the exchange's day at `t`.
pub fn phase(t: DateTime<Utc>) -> Phase {
    match session(local_day(t)) {
        Some(s) if t < instant(s.day, EARLY) => Phase::Closed,
        Some(s) if t < s.opens => Phase::Pre,
        Some(s) if t < s.closes => Phase::Open,
        Some(s) if t < s.closes + LATE => Phase::Post,
        _ => Phase::Closed,
    }
}

/// The time of a price of the session of `day` that was last seen at `seen`: that instant, and the
/// close once the session is over.
pub fn price_time(day: NaiveDate, seen: DateTime<Utc>) -> DateTime<Utc> {
    session(day).map_or(seen, |s| seen.min(s.closes))
}

/// The first close after `t`.
pub fn next_close(t: DateTime<Utc>) -> DateTime<Utc> {
    sessions_on(t).map(|s| s.closes).find(|c| *c > t).expect("no closure lasts for years")
}

/// The first open after `t`.
pub fn next_open(t: DateTime<Utc>) -> DateTime<Utc> {
    sessions_on(t).map(|s| s.opens).find(|o| *o > t).expect("no closure lasts for years")
}

/// The `n` newest sessions that have closed by `t`, oldest first.
pub fn completed(t: DateTime<Utc>, n: usize) -> Vec<Session> {
    let mut found: Vec<_> = sessions_back(t).filter(|s| s.closes <= t).take(n).collect();
    found.reverse();
    found
}

/// Time between two instants for which the exchange was open.
pub fn open_time(from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
    sessions_on(from)
        .take_while(|s| s.opens < to)
        .map(|s| (s.closes.min(to) - s.opens.max(from)).max(TimeDelta::zero()))
        .sum()
}

/// The instant by which the exchange has been open for `span` since `from`.
pub fn after_open_time(from: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    let mut left = span.max(TimeDelta::zero());
    for s in sessions_on(from).filter(|s| s.closes > from) {
        let begins = s.opens.max(from);
        if begins + left <= s.closes {
            return begins + left;
        }
        left -= s.closes - begins;
    }
    DateTime::<Utc>::MAX_UTC
}

/// Midnight in New York at the end of `day`.
pub fn end_of_day(day: NaiveDate) -> DateTime<Utc> {
    instant(day.checked_add_days(Days::new(1)).unwrap_or(day), NaiveTime::MIN)
}

/// The day in New York at `t`.
pub fn local_day(t: DateTime<Utc>) -> NaiveDate {
    t.with_timezone(&New_York).date_naive()
}

/// The hour in New York at `t`, 0 to 23.
pub fn local_hour(t: DateTime<Utc>) -> u32 {
    t.with_timezone(&New_York).hour()
}

/// Ten years of sessions backwards from the day of `t`: the bound of every search.
fn sessions_back(t: DateTime<Utc>) -> impl Iterator<Item = Session> {
    let today = local_day(t);
    (0..3_660).filter_map(move |n| session(today.checked_sub_days(Days::new(n))?))
}

fn sessions_on(t: DateTime<Utc>) -> impl Iterator<Item = Session> {
    let today = local_day(t);
    (0..3_660).filter_map(move |n| session(today.checked_add_days(Days::new(n))?))
}

fn instant(day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    // New York changes its clocks at two in the morning on Sundays, and neither midnight nor
    // a trading hour is ever skipped or repeated.
    New_York
        .from_local_datetime(&day.and_time(time))
        .earliest()
        .expect("a trading hour exists on every day")
        .to_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(s: &str) -> NaiveDate {
        s.parse().unwrap()
    }

    fn at(s: &str) -> DateTime<Utc> {
        s.parse().unwrap()
    }

    #[test]
    fn the_open_follows_daylight_saving() {
        assert_eq!(session(day("2026-03-06")).unwrap().opens, at("2026-03-06T14:30:00Z"));
        assert_eq!(session(day("2026-03-09")).unwrap().opens, at("2026-03-09T13:30:00Z"));
        assert_eq!(session(day("2026-11-02")).unwrap().closes, at("2026-11-02T21:00:00Z"));
        assert_eq!(session(day("2026-10-30")).unwrap().closes, at("2026-10-30T20:00:00Z"));
    }

    #[test]
    fn thanksgiving_is_closed_and_the_day_after_ends_at_one() {
        assert_eq!(session(day("2026-11-26")), None);
        assert_eq!(session(day("2026-11-27")).unwrap().closes, at("2026-11-27T18:00:00Z"));
        assert_eq!(last_begun(at("2026-11-26T18:00:00Z")).day, day("2026-11-25"));
        assert_eq!(next_close(at("2026-11-26T18:00:00Z")), at("2026-11-27T18:00:00Z"));
    }

    #[test]
    fn each_year_has_as_many_sessions_as_the_exchange_published() {
        for (year, sessions) in [(2025, 250), (2026, 251), (2027, 251)] {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
            let days = first.iter_days().take_while(|d| d.year() == year);
            assert_eq!(days.filter_map(session).count(), sessions, "{year}");
        }
    }

    #[test]
    fn a_session_has_begun_from_its_open_and_is_complete_from_its_close() {
        let s = session(day("2026-11-23")).unwrap();
        assert_eq!(last_begun(s.opens).day, s.day);
        assert_eq!(last_begun(s.opens - TimeDelta::seconds(1)).day, day("2026-11-20"));
        assert_eq!(last_completed(s.closes).day, s.day);
        assert_eq!(last_completed(s.closes - TimeDelta::seconds(1)).day, day("2026-11-20"));
        assert!(is_open(s.opens) && !is_open(s.closes));
    }

    #[test]
    fn early_and_late_trading_surround_a_session() {
        for (t, phase) in [
            ("2026-11-23T08:59:59Z", Phase::Closed),
            ("2026-11-23T09:00:00Z", Phase::Pre),
            ("2026-11-23T14:30:00Z", Phase::Open),
            ("2026-11-23T21:00:00Z", Phase::Post),
            ("2026-11-24T01:00:00Z", Phase::Closed),
            // a session that ends early
            ("2026-11-27T18:00:00Z", Phase::Post),
            ("2026-11-27T22:00:00Z", Phase::Closed),
            // a holiday and a weekend
            ("2026-11-26T16:00:00Z", Phase::Closed),
            ("2026-11-28T16:00:00Z", Phase::Closed),
        ] {
            assert_eq!(super::phase(at(t)), phase, "{t}");
        }
    }

    #[test]
    fn a_price_is_as_old_as_its_session() {
        let friday = day("2026-11-27");
        assert_eq!(price_time(friday, at("2026-11-27T15:00:00Z")), at("2026-11-27T15:00:00Z"));
        assert_eq!(price_time(friday, at("2026-11-28T21:00:00Z")), at("2026-11-27T18:00:00Z"));
        let saturday = day("2026-11-28");
        assert_eq!(price_time(saturday, at("2026-11-28T21:00:00Z")), at("2026-11-28T21:00:00Z"));
    }

    #[test]
    fn open_time_skips_nights_weekends_and_holidays() {
        let friday = at("2026-11-20T20:00:00Z");
        assert_eq!(open_time(friday, at("2026-11-23T15:30:00Z")), TimeDelta::hours(2));
        assert_eq!(after_open_time(friday, TimeDelta::hours(2)), at("2026-11-23T15:30:00Z"));
        let eve = at("2026-11-25T21:00:00Z");
        assert_eq!(open_time(eve, at("2026-11-27T14:30:00Z")), TimeDelta::zero());
    }

    #[test]
    fn the_newest_completed_sessions_come_oldest_first() {
        let days: Vec<_> = completed(at("2026-11-27T17:00:00Z"), 3).iter().map(|s| s.day).collect();
        assert_eq!(days, [day("2026-11-23"), day("2026-11-24"), day("2026-11-25")]);
    }
}
