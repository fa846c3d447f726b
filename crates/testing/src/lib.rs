//! For tests: a database each, and waiting for states.

mod database;
mod http;
mod pooler;
mod postgres;
mod wait;

use chrono::{DateTime, NaiveDate, Utc};

pub use database::{Database, database};
pub use http::{http_client, http_get};
pub use pooler::Pooler;
pub use postgres::Postgres;
pub use wait::{wait_until, wait_until_within};

/// A name that no other test uses: `prefix-` and twelve random characters.
pub fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}-{}", &id[..12])
}

/// A time from a text: `at("2026-03-02T15:04:05Z")`.
pub fn at(moment: &str) -> DateTime<Utc> {
    moment.parse().unwrap_or_else(|error| panic!("{moment:?} is no moment: {error}"))
}

/// A day from a text: `day("2026-03-02")`.
pub fn day(day: &str) -> NaiveDate {
    day.parse().unwrap_or_else(|error| panic!("{day:?} is no day: {error}"))
}
