//! Lists as people and programs turn their pages.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Result};

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Items<T> {
    items: Vec<T>,
    /// Pass as `cursor` for the next page; `null`: this was the last.
    next_cursor: Option<String>,
}

impl<T> Items<T> {
    /// A list that is one page.
    pub(crate) fn all(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// A page of at most `limit` items, made of one item more than that if there are more.
    pub(crate) fn page<R: Into<T>>(
        mut rows: Vec<R>,
        limit: i64,
        cursor: impl Fn(&R) -> String,
    ) -> Self {
        let more = rows.len() as i64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(0));
        let next_cursor = if more { rows.last().map(cursor) } else { None };
        Self { items: rows.into_iter().map(Into::into).collect(), next_cursor }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, default 50.
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

    /// A cursor that is an id.
    pub(crate) fn id(&self) -> Result<Option<i64>> {
        self.cursor.as_deref().map(|c| c.parse().map_err(|_| not_a_cursor())).transpose()
    }

    /// A cursor that is a day.
    pub(crate) fn day(&self) -> Result<Option<NaiveDate>> {
        let read = |cursor: &str| {
            let day: NaiveDate = cursor.parse().ok()?;
            (0..=9999).contains(&day.year()).then_some(day)
        };
        self.cursor.as_deref().map(|c| read(c).ok_or_else(not_a_cursor)).transpose()
    }

    /// A cursor that is a time and an id.
    pub(crate) fn position(&self) -> Result<Option<(DateTime<Utc>, i64)>> {
        let read = |cursor: &str| {
            let (micros, id) = cursor.split_once('-')?;
            Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.parse().ok()?))
        };
        self.cursor.as_deref().map(|c| read(c).ok_or_else(not_a_cursor)).transpose()
    }
}

/// The cursor of [`Paging::position`].
pub(crate) fn cursor(at: DateTime<Utc>, id: i64) -> String {
    format!("{}-{id}", at.timestamp_micros())
}

fn not_a_cursor() -> Problem {
    Problem::query("cursor", "not a cursor that a page has given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_given() {
        let at = DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
        let paging = Paging { cursor: Some(cursor(at, 42)), limit: None };
        assert_eq!(paging.position().unwrap(), Some((at, 42)));
        for bad in ["", "42", "x-1", "1-x", "99999999999999999999-1"] {
            let paging = Paging { cursor: Some(bad.to_owned()), limit: None };
            assert!(paging.position().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_says_that_there_is_more_only_if_there_is() {
        let page = |n: i64| Items::<i64>::page((0..n).collect(), 2, ToString::to_string);
        assert_eq!(page(2).next_cursor, None);
        assert_eq!(page(3).next_cursor.as_deref(), Some("1"));
        assert_eq!(page(3).items, [0, 1]);
    }
}
