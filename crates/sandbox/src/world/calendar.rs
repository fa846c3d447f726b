//! Trading days of the New York Stock Exchange, 2024 to 2028.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) day: NaiveDate,
    pub(crate) opens: DateTime<Utc>,
    pub(crate) closes: DateTime<Utc>,
}

pub(crate) const KNOWN_SPAN: &str =
    "the sandbox knows trading days and history for times from 2024-09-01 to 2028-12-01";

/// Closed although it is a weekday: (year, month, day).
#[rustfmt::skip]
const CLOSED: [(i32, u32, u32); 50] = [
    (2024, 1, 1), (2024, 1, 15), (2024, 2, 19), (2024, 3, 29), (2024, 5, 27),
    (2024, 6, 19), (2024, 7, 4), (2024, 9, 2), (2024, 11, 28), (2024, 12, 25),
    // 9 January: national day of mourning.
    (2025, 1, 1), (2025, 1, 9), (2025, 1, 20), (2025, 2, 17), (2025, 4, 18), (2025, 5, 26),
    (2025, 6, 19), (2025, 7, 4), (2025, 9, 1), (2025, 11, 27), (2025, 12, 25),
    (2026, 1, 1), (2026, 1, 19), (2026, 2, 16), (2026, 4, 3), (2026, 5, 25),
    (2026, 6, 19), (2026, 7, 3), (2026, 9, 7), (2026, 11, 26), (2026, 12, 25),
    (2027, 1, 1), (2027, 1, 18), (2027, 2, 15), (2027, 3, 26), (2027, 5, 31),
    (2027, 6, 18), (2027, 7, 5), (2027, 9, 6), (2027, 11, 25), (2027, 12, 24),
    // New Year's Day 2028 is a Saturday and moves nothing.
    (2028, 1, 17), (2028, 2, 21), (2028, 4, 14), (2028, 5, 29), (2028, 6, 19),
    (2028, 7, 4), (2028, 9, 4), (2028, 11, 23), (2028, 12, 25),
];

/// Closes at 13:00.
#[rustfmt::skip]
const HALF: [(i32, u32, u32); 11] = [
    (2024, 7, 3), (2024, 11, 29), (2024, 12, 24),
    (2025, 7, 3), (2025, 11, 28), (2025, 12, 24),
    (2026, 11, 27), (2026, 12, 24),
    (2027, 11, 26),
    (2028, 7, 3), (2028, 11, 24),
];

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("the table holds real days")
}

/// Returns true if the sandbox has 120 days of history before this time and trading days after it.
pub(crate) fn knows(time: DateTime<Utc>) -> bool {
    (date(2024, 9, 1)..date(2028, 12, 1)).contains(&time.date_naive())
}

fn session(day: NaiveDate) -> Option<Session> {
    let key = (day.year(), day.month(), day.day());
    if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) || CLOSED.contains(&key) {
        return None;
    }
    let at = |hour, minute| {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).expect("an hour of the day");
        let local = New_York.from_local_datetime(&day.and_time(time)).single();
        local.expect("clocks change at night").with_timezone(&Utc)
    };
    let closes = if HALF.contains(&key) { at(13, 0) } else { at(16, 0) };
    Some(Session { day, opens: at(9, 30), closes })
}

/// All sessions, oldest first.
pub(crate) fn sessions() -> Vec<Session> {
    date(2024, 1, 2).iter_days().take_while(|day| day.year() <= 2028).filter_map(session).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thanksgiving_2026_is_closed_and_the_day_after_ends_at_one() {
        assert!(session(date(2026, 11, 26)).is_none());
        let friday = session(date(2026, 11, 27)).expect("a half day");
        assert_eq!(friday.opens.to_rfc3339(), "2026-11-27T14:30:00+00:00");
        assert_eq!(friday.closes.to_rfc3339(), "2026-11-27T18:00:00+00:00");
    }

    #[test]
    fn summer_time_moves_the_bell() {
        let july = session(date(2026, 7, 6)).expect("a Monday");
        assert_eq!(july.opens.to_rfc3339(), "2026-07-06T13:30:00+00:00");
    }

    #[test]
    fn a_year_has_about_251_sessions() {
        for (year, count) in [(2025, 250), (2026, 251), (2027, 251)] {
            assert_eq!(sessions().iter().filter(|s| s.day.year() == year).count(), count);
        }
    }
}
