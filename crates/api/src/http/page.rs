//! Cursor pagination.

use std::fmt::Display;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::problem::{Problem, Result};

/// A list that can be turned page by page.
///
/// A cursor begins with the name of its list, so that no other list takes it for its own, and goes on
/// with the place where the page ended.
pub(crate) struct List {
    name: &'static str,
    /// The place, as a regular expression.
    place: &'static str,
    /// The operations that serve it, by their names in the description.
    pub(crate) operations: &'static [&'static str],
}

const ID: &str = "[0-9]{1,18}";
const TIME_AND_ID: &str = "[0-9]{1,18}-[0-9]{1,18}";
/// Days since the first of the year 1.
const DAY: &str = "[0-9]{1,6}";

pub(crate) const JOBS: List = List { name: "jobs", place: ID, operations: &["listJobs"] };
pub(crate) const AUDIT: List = List { name: "audit", place: ID, operations: &["listAudit"] };
pub(crate) const ALERTS: List =
    List { name: "alerts", place: ID, operations: &["listRecentAlerts", "listAlerts"] };
pub(crate) const NEWS: List = List { name: "news", place: TIME_AND_ID, operations: &["listNews"] };
pub(crate) const SIGNALS: List =
    List { name: "signals", place: TIME_AND_ID, operations: &["getSignals"] };
pub(crate) const BARS: List = List { name: "bars", place: DAY, operations: &["listBars"] };

impl List {
    pub(crate) const ALL: [Self; 6] = [JOBS, AUDIT, ALERTS, NEWS, SIGNALS, BARS];

    /// The cursors that it takes, for its description.
    pub(crate) fn pattern(&self) -> String {
        format!("^{}\\.{}$", self.name, self.place)
    }

    /// The cursor of a page that ended at `place`.
    pub(crate) fn cursor(&self, place: impl Display) -> String {
        format!("{}.{place}", self.name)
    }

    /// Reads a cursor; 400 for one of another list.
    pub(crate) fn read<T>(&self, cursor: &str, read: impl Fn(&str) -> Option<T>) -> Result<T> {
        let place = cursor.strip_prefix(self.name).and_then(|rest| rest.strip_prefix('.'));
        place.and_then(read).ok_or_else(|| {
            Problem::query("cursor", "not a cursor that a page of this list has given")
        })
    }
}

/// A number as cursors hold it: digits alone.
pub(crate) fn number(text: &str, most: usize) -> Option<i64> {
    let fits = text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// The id that a cursor holds.
pub(crate) fn id(place: &str) -> Option<i64> {
    number(place, 18)
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    /// Pass as `cursor` for the next page; `null`: this was the last.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is one page.
    pub(crate) fn all(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page of at most `limit` items, made of one item more than that if there are more.
    pub(crate) fn from_rows<R: Into<T>>(
        list: &List,
        mut rows: Vec<R>,
        limit: i64,
        cursor: impl Fn(&R) -> String,
    ) -> Self {
        let more = rows.len() as i64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(0));
        let next_cursor = if more { rows.last().map(|row| list.cursor(cursor(row))) } else { None };
        Self { items: rows.into_iter().map(Into::into).collect(), next_cursor }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, default 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

impl Paging {
    /// For lists with parameters of their own.
    pub(crate) fn new(cursor: Option<String>, limit: Option<i64>) -> Self {
        Self { cursor, limit }
    }

    pub(crate) fn limit(&self) -> Result<i64> {
        let limit = self.limit.unwrap_or(50);
        if (1..=200).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::query("limit", "a page has 1 to 200 items"))
        }
    }

    fn read<T>(&self, list: &List, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        self.cursor.as_ref().map(|cursor| list.read(cursor, read)).transpose()
    }

    /// A cursor that is an id.
    pub(crate) fn id(&self, list: &List) -> Result<Option<i64>> {
        self.read(list, id)
    }

    /// A cursor that is a day.
    pub(crate) fn day(&self, list: &List) -> Result<Option<NaiveDate>> {
        self.read(list, |place| {
            NaiveDate::from_num_days_from_ce_opt(i32::try_from(number(place, 6)?).ok()?)
        })
    }

    /// A cursor that is a time and an id.
    pub(crate) fn position(&self, list: &List) -> Result<Option<(DateTime<Utc>, i64)>> {
        self.read(list, |place| {
            let (micros, row) = place.split_once('-')?;
            Some((DateTime::from_timestamp_micros(id(micros)?)?, id(row)?))
        })
    }
}

/// The place of [`Paging::day`].
pub(crate) fn day(day: NaiveDate) -> String {
    day.num_days_from_ce().to_string()
}

/// The place of [`Paging::position`].
pub(crate) fn position(at: DateTime<Utc>, id: i64) -> String {
    format!("{}-{id}", at.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_given() {
        let paging = |cursor: String| Paging { cursor: Some(cursor), limit: None };
        let at = DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
        let given = paging(NEWS.cursor(position(at, 42)));
        assert_eq!(given.position(&NEWS).unwrap(), Some((at, 42)));
        assert!(given.position(&SIGNALS).is_err());
        let today = NaiveDate::from_ymd_opt(2028, 2, 29).unwrap();
        assert_eq!(paging(BARS.cursor(day(today))).day(&BARS).unwrap(), Some(today));
        assert_eq!(paging(JOBS.cursor(7)).id(&JOBS).unwrap(), Some(7));
    }

    #[test]
    fn what_the_description_allows_is_read_and_nothing_else() {
        let paging = |cursor: String| Paging { cursor: Some(cursor), limit: None };
        let most = "9".repeat(18);
        for place in ["0-0".to_owned(), format!("{most}-{most}")] {
            assert!(paging(NEWS.cursor(&place)).position(&NEWS).is_ok(), "{place}");
        }
        for place in
            ["", "42", "x-1", "1-x", "-1-1", "+1-1", "1--1", "1-+1", "1000000000000000000-1"]
        {
            assert!(paging(NEWS.cursor(place)).position(&NEWS).is_err(), "{place}");
        }
        for place in ["0", "999999"] {
            assert!(paging(BARS.cursor(place)).day(&BARS).is_ok(), "{place}");
        }
        for place in ["", "-1", "1000000", "2026-11-30"] {
            assert!(paging(BARS.cursor(place)).day(&BARS).is_err(), "{place}");
        }
        assert_eq!(JOBS.pattern(), "^jobs\\.[0-9]{1,18}$");
    }

    #[test]
    fn a_page_says_that_there_is_more_only_if_there_is() {
        let page =
            |n: i64| Page::<i64>::from_rows(&AUDIT, (0..n).collect(), 2, ToString::to_string);
        assert_eq!(page(2).next_cursor, None);
        assert_eq!(page(3).next_cursor.as_deref(), Some("audit.1"));
        assert_eq!(page(3).items, [0, 1]);
    }
}
