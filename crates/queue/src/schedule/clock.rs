//! Fire times of a crontab expression, by the local time of its zone. For clock changes see
//! [`Schedule::cron`](super::Schedule::cron).

use std::{collections::BTreeSet, str::FromStr};

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc, offset::LocalResult};
use chrono_tz::Tz;

use super::Missed;
use crate::Error;

/// A tick that no process made within this time counts as missed.
const SKIP_AFTER: TimeDelta = TimeDelta::seconds(60);
/// No clock is set back by more than this.
const FOLD: TimeDelta = TimeDelta::hours(3);
/// Most fire times that one call yields.
const MOST: usize = 1_000;
const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// A parsed crontab expression with its zone.
pub(super) struct Clock {
    /// The expression fires when one of these does.
    crons: Vec<cron::Schedule>,
    zone: Tz,
    every_hour: bool,
}

impl Clock {
    pub(super) fn parse(name: &str, expression: &str, zone: &str) -> Result<Self, Error> {
        let error = |reason: String| Error::Schedule { name: name.to_owned(), reason };
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(error(format!("{expression:?} has {} fields, not 5", fields.len())));
        };
        let weekdays = weekdays(weekday).map_err(error)?;
        // As in crontab: if both are restricted, a day that fits either fires.
        let days = if day.starts_with(['*', '?']) || weekday.starts_with(['*', '?']) {
            vec![(day, weekdays.as_str())]
        } else {
            vec![(day, "*"), ("*", weekdays.as_str())]
        };
        let crons = days.into_iter().map(|(day, weekdays)| {
            // The `cron` crate expects seconds first.
            cron::Schedule::from_str(&format!("0 {minute} {hour} {day} {month} {weekdays}"))
                .map_err(|e| error(format!("{expression:?} is not a crontab expression: {e}")))
        });
        let crons = crons.collect::<Result<_, _>>()?;
        let zone = zone.parse().map_err(|_| error(format!("{zone:?} is not a time zone")))?;
        Ok(Self { crons, zone, every_hour: hour.starts_with('*') })
    }

    pub(super) fn next_after(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.crons.iter().filter_map(|cron| self.next_of(cron, t)).min()
    }

    fn next_of(&self, cron: &cron::Schedule, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut best: Option<DateTime<Utc>> = None;
        for wall in cron.after(&(self.wall(t) - FOLD)) {
            if best.is_some_and(|best| wall > self.wall(best) + FOLD) {
                break;
            }
            let next =
                self.moments(wall.naive_utc()).into_iter().flatten().filter(|at| *at > t).min();
            best = best.into_iter().chain(next).min();
        }
        best
    }

    /// Returns the ticks to make in `(since, now]`, oldest first, and the last of them.
    pub(super) fn due(
        &self,
        missed: Missed,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> (Vec<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let due = match missed {
            Missed::All => self.between(since, now),
            Missed::Skip => self.between(since.max(now - SKIP_AFTER), now),
            Missed::One => self.last_before(now).filter(|t| *t > since).into_iter().collect(),
        };
        let last = due.last().copied();
        (due, last)
    }

    /// Returns the last fire time up to and including `t`.
    fn last_before(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.crons.iter().filter_map(|cron| self.last_of(cron, t)).max()
    }

    fn last_of(&self, cron: &cron::Schedule, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut back = cron.after(&(self.wall(t) + FOLD + TimeDelta::seconds(1)));
        let mut best: Option<DateTime<Utc>> = None;
        while let Some(wall) = back.next_back() {
            if best.is_some_and(|best| wall < self.wall(best) - FOLD) {
                break;
            }
            let last =
                self.moments(wall.naive_utc()).into_iter().flatten().filter(|at| *at <= t).max();
            best = best.into_iter().chain(last).max();
        }
        best
    }

    /// Returns the fire times in `(since, until]`, oldest first, at most 1,000.
    fn between(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut fires: Vec<DateTime<Utc>> =
            self.crons.iter().flat_map(|cron| self.between_of(cron, since, until)).collect();
        fires.sort_unstable();
        fires.dedup();
        fires.truncate(MOST);
        fires
    }

    /// Returns at least the first 1,000 of them, unsorted.
    fn between_of(
        &self,
        cron: &cron::Schedule,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> {
        let end = self.wall(until) + FOLD;
        cron.after(&(self.wall(since) - FOLD))
            .take_while(move |wall| *wall <= end)
            // More than needed, by the minutes of a fold on either side: later entries cannot be
            // among the first.
            .take(MOST + 600)
            .flat_map(|wall| self.moments(wall.naive_utc()).into_iter().flatten())
            .filter(move |at| *at > since && *at <= until)
    }

    /// Returns the local time at `t`, as if it were UTC.
    fn wall(&self, t: DateTime<Utc>) -> DateTime<Utc> {
        t.with_timezone(&self.zone).naive_local().and_utc()
    }

    /// Returns the times at which the expression fires for a local time.
    fn moments(&self, wall: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let utc = |t: DateTime<Tz>| Some(t.with_timezone(&Utc));
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(t) => [utc(t), None],
            LocalResult::Ambiguous(first, second) if self.every_hour => [utc(first), utc(second)],
            LocalResult::Ambiguous(first, _) => [utc(first), None],
            LocalResult::None if self.every_hour => [None, None],
            LocalResult::None => {
                // By the clock before it was set forward: by some hours, or by a whole day.
                let before = [3, 27].into_iter().find_map(|hours| {
                    let back = TimeDelta::hours(hours);
                    let t = self.zone.from_local_datetime(&(wall - back)).latest()?;
                    utc(t + back)
                });
                [before, None]
            }
        }
    }
}

/// Converts crontab's weekdays (0 or 7 is Sunday, names allowed) to a list of names: the `cron`
/// crate counts from 1, and its ranges end on Saturday.
fn weekdays(field: &str) -> Result<String, String> {
    let mut days = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: usize =
            step.parse().ok().filter(|step| *step > 0).ok_or_else(|| {
                format!("a step is a number of days and at least 1, not {step:?}")
            })?;
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (weekday(from)?, weekday(to)?),
            None if matches!(range, "*" | "?") => (0, 6),
            // with a step: from that day on
            None if part.contains('/') => (weekday(range)?, 6),
            None => (weekday(range)?, weekday(range)?),
        };
        // friday to monday, or to a sunday written as 0
        let to = if to < from { to + 7 } else { to };
        days.extend((from..=to).step_by(step).map(|day| day % 7));
    }
    if days.len() == 7 {
        return Ok("*".to_owned());
    }
    let names: Vec<&str> = days.into_iter().map(|day| &WEEKDAYS[day][..3]).collect();
    Ok(names.join(","))
}

fn weekday(text: &str) -> Result<usize, String> {
    if let Ok(n) = text.parse::<usize>() {
        return if n <= 7 { Ok(n) } else { Err(format!("weekday {n} is not between 0 and 7")) };
    }
    let name = text.to_ascii_lowercase();
    let is_short = |day: &&str| name.len() >= 3 && day.starts_with(&name);
    WEEKDAYS.iter().position(is_short).ok_or_else(|| format!("there is no weekday {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: &str) -> DateTime<Utc> {
        moment.parse().unwrap()
    }

    fn due(cron: &str, missed: Missed, since: &str, now: &str) -> Vec<String> {
        let clock = Clock::parse("x", cron, "UTC").unwrap();
        let (due, last) = clock.due(missed, at(since), at(now));
        assert_eq!(due.last().copied(), last);
        due.iter().map(|t| t.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn of_missed_ticks_none_the_last_or_all_are_made() {
        let (since, now) = ("2026-03-02T10:00:00Z", "2026-03-02T13:30:00Z");
        assert!(due("0 * * * *", Missed::Skip, since, now).is_empty());
        assert_eq!(due("0 * * * *", Missed::One, since, now), ["02 13:00"]);
        assert_eq!(due("0 * * * *", Missed::All, since, now), ["02 11:00", "02 12:00", "02 13:00"]);
        assert!(due("0 * * * *", Missed::One, "2026-03-02T13:00:00Z", now).is_empty());
    }

    #[test]
    fn a_tick_of_this_very_moment_is_due_and_one_of_this_minute_is_not_missed() {
        let since = "2026-03-02T12:00:00Z";
        for missed in [Missed::Skip, Missed::One, Missed::All] {
            assert_eq!(due("0 * * * *", missed, since, "2026-03-02T13:00:00Z"), ["02 13:00"]);
            assert_eq!(due("0 * * * *", missed, since, "2026-03-02T13:00:59.5Z"), ["02 13:00"]);
            assert!(due("0 * * * *", missed, since, "2026-03-02T12:59:59.9Z").is_empty());
        }
    }

    #[test]
    fn the_last_of_very_many_missed_ticks_is_the_last() {
        let made = due("* * * * *", Missed::One, "2026-03-01T00:00:00Z", "2026-03-09T09:09:30Z");
        assert_eq!(made, ["09 09:09"]);
    }

    fn fires(cron: &str, since: &str, until: &str) -> Vec<String> {
        let clock = Clock::parse("x", cron, "America/New_York").unwrap();
        let fires = clock.between(at(since), at(until));
        // One by one forwards, and backwards from each, the result must be the same.
        let mut t = at(since);
        for fire in &fires {
            assert_eq!(clock.next_after(t), Some(*fire), "after {t}");
            assert_eq!(clock.last_before(*fire), Some(*fire));
            t = *fire;
        }
        assert_eq!(clock.last_before(at(until)), fires.last().copied());
        fires.iter().map(|t| t.format("%H:%M").to_string()).collect()
    }

    #[test]
    fn weekdays_are_those_of_crontab_however_they_are_written() {
        for (field, wanted) in [
            ("*", "*"),
            ("0-7", "*"),
            ("1-7", "*"),
            ("*/2", "sun,tue,thu,sat"),
            ("0", "sun"),
            ("7", "sun"),
            ("5-7", "sun,fri,sat"),
            ("sat-sun", "sun,sat"),
            ("6-0", "sun,sat"),
            ("fri-MON", "sun,mon,fri,sat"),
            ("1-5/2", "mon,wed,fri"),
            ("2/2", "tue,thu,sat"),
            ("Monday,thurs,0", "sun,mon,thu"),
        ] {
            assert_eq!(weekdays(field).unwrap(), wanted, "{field}");
        }
        for bad in ["8", "1-9", "mo", "someday", "1/0", "1/x", "", "1-", "*-3"] {
            assert!(weekdays(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_certain_day_of_the_month_and_a_certain_weekday_are_either_of_them() {
        // 2026-03-02 is a Monday.
        let (since, now) = ("2026-03-01T00:00:00Z", "2026-03-16T12:00:00Z");
        let either = due("0 9 10 * mon", Missed::All, since, now);
        assert_eq!(either, ["02 09:00", "09 09:00", "10 09:00", "16 09:00"]);
        assert_eq!(due("0 9 10 * *", Missed::All, since, now), ["10 09:00"]);
        assert_eq!(
            due("0 9 2-9 * */2", Missed::All, since, now),
            ["03 09:00", "05 09:00", "07 09:00", "08 09:00"]
        );
        assert_eq!(due("0 9 10 * mon", Missed::One, since, "2026-03-13T12:00:00Z"), ["10 09:00"]);
        fires("30 1 8 3 sun", "2026-02-27T00:00:00Z", "2026-03-20T00:00:00Z");
    }

    #[test]
    fn every_hour_that_passes_has_its_tick_also_the_one_that_comes_twice() {
        // 2026-11-01: 1:59 EDT is followed by 1:00 EST, 06:00 UTC.
        let night = ("2026-11-01T03:30:00Z", "2026-11-01T08:30:00Z");
        assert_eq!(
            fires("0 * * * *", night.0, night.1),
            ["04:00", "05:00", "06:00", "07:00", "08:00"]
        );
        assert_eq!(
            fires("*/30 */1 * * *", "2026-11-01T04:30:00Z", "2026-11-01T07:00:00Z"),
            ["05:00", "05:30", "06:00", "06:30", "07:00"]
        );
        // 2026-03-08: 1:59 EST is followed by 3:00 EDT, 07:00 UTC.
        let night = ("2026-03-08T04:30:00Z", "2026-03-08T09:30:00Z");
        assert_eq!(
            fires("0 * * * *", night.0, night.1),
            ["05:00", "06:00", "07:00", "08:00", "09:00"]
        );
    }

    #[test]
    fn a_certain_hour_has_one_tick_a_day_also_when_it_comes_twice_or_not_at_all() {
        let autumn = ("2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z");
        assert_eq!(
            fires("30 1 * * *", autumn.0, autumn.1),
            ["05:30", "06:30"],
            "then by winter time"
        );
        let spring = ("2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z");
        assert_eq!(fires("30 2 * * *", spring.0, spring.1), ["07:30", "06:30"]);
    }
}
