//! Input of an evaluation of signals: the signal that stood at each open, and all prices.

use bellwether_domain::{SignalLabel, Symbol};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;

use crate::column::{Maybe, Word};

/// A session, and the earliest derivation of a signal that stood at its open.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub day: NaiveDate,
    pub opens: DateTime<Utc>,
    pub since: DateTime<Utc>,
}

/// The signal of a symbol that stood when a session opened.
#[derive(Clone, Debug)]
pub struct Stood {
    pub symbol: Symbol,
    pub day: NaiveDate,
    pub at: DateTime<Utc>,
    /// When the last of its inputs was known, if that is still recorded.
    pub available_at: Option<DateTime<Utc>>,
    pub label: Option<SignalLabel>,
    pub c: Option<f64>,
    pub p: Option<f64>,
    pub s: f64,
}

/// The current prices of one day.
#[derive(Clone, Debug)]
pub struct Prices {
    pub symbol: Symbol,
    pub day: NaiveDate,
    pub open: f64,
    pub close: f64,
}

/// Every formula with signals, with its first and its last.
#[derive(Clone, Debug)]
pub struct Formula {
    pub version: String,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

pub async fn list_formulas(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Formula>> {
    sqlx::query_as!(
        Formula,
        r#"select formula_version as version, min(at) as "first!", max(at) as "last!"
           from signal group by 1 order by 1"#
    )
    .fetch_all(db)
    .await
}

/// The newest signal of each symbol in each opening, by one formula, in order of days.
pub async fn list_stood(
    db: impl PgExecutor<'_>,
    formula: &str,
    openings: &[Opening],
) -> sqlx::Result<Vec<Stood>> {
    let days: Vec<NaiveDate> = openings.iter().map(|o| o.day).collect();
    let opens: Vec<DateTime<Utc>> = openings.iter().map(|o| o.opens).collect();
    let since: Vec<DateTime<Utc>> = openings.iter().map(|o| o.since).collect();
    sqlx::query_file_as!(Stood, "src/evaluation_list_stood.sql", &days, &opens, &since, formula)
        .fetch_all(db)
        .await
}

/// The prices of all symbols between two days, both included, by symbol and day.
pub async fn list_prices(
    db: impl PgExecutor<'_>,
    first: NaiveDate,
    last: NaiveDate,
) -> sqlx::Result<Vec<Prices>> {
    sqlx::query_as!(
        Prices,
        r#"select symbol as "symbol!: Word<Symbol>", day as "day!", open::float8 as "open!", close::float8 as "close!"
           from bar_current where day between $1 and $2 order by symbol, day"#,
        first,
        last,
    )
    .fetch_all(db)
    .await
}
