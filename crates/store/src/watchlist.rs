//! Rows of the watchlist, for every watched symbol: each function is one statement, whatever the
//! watchlist's length.

use bellwether_domain::{SignalLabel, Symbol};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use crate::column::{Maybe, Word};

/// The close of one session of a watched symbol, as it is known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub symbol: Symbol,
    pub day: NaiveDate,
    pub close: Decimal,
}

/// Up to `limit` newest closes of each watched symbol, by symbol, oldest first.
pub async fn list_closes(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Close>> {
    sqlx::query_as!(
        Close,
        r#"select i.symbol as "symbol: Word<Symbol>", b.day as "day!", b.close as "close!"
           from instrument i
           cross join lateral (
               select distinct on (bar.day) bar.day, bar.close from bar
               where bar.symbol = i.symbol
               order by bar.day desc, bar.revision desc limit $1
           ) b
           where i.watched order by i.symbol, b.day"#,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The current signal of a watched symbol without its terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub symbol: Symbol,
    pub id: i64,
    pub at: DateTime<Utc>,
    /// `ok` or `insufficient_data`.
    pub state: String,
    pub label: Option<SignalLabel>,
    pub c: Option<f64>,
    pub q: f64,
    /// Number of closes that it read.
    pub closes: Option<i64>,
    pub formula_version: String,
}

/// The current signal of each watched symbol that has one, by symbol.
pub async fn list_signals(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Signal>> {
    sqlx::query_as!(
        Signal,
        r#"select i.symbol as "symbol: Word<Symbol>", s.id as "id!", s.at as "at!",
                  s.state as "state!", s.label as "label!: Maybe<SignalLabel>", s.c, s.q as "q!",
                  (s.inputs #>> '{bars,count}')::bigint as closes,
                  s.formula_version as "formula_version!"
           from instrument i
           cross join lateral (
               select * from signal where signal.symbol = i.symbol
               order by signal.at desc, signal.id desc limit 1
           ) s
           where i.watched order by i.symbol"#,
    )
    .fetch_all(db)
    .await
}

/// Number of alerts of a symbol that have not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAlerts {
    pub symbol: Symbol,
    pub firing: i64,
    pub pending: i64,
}

/// The symbols that have alerts which have not ended, by symbol.
pub async fn list_open_alerts(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<OpenAlerts>> {
    sqlx::query_as!(
        OpenAlerts,
        r#"select symbol as "symbol: Word<Symbol>",
                  count(*) filter (where state = 'firing') as "firing!",
                  count(*) filter (where state = 'pending') as "pending!"
           from alert where state <> 'resolved' and symbol <> ''
           group by symbol order by symbol"#,
    )
    .fetch_all(db)
    .await
}

/// Refusal of a symbol by the providers, until an operator acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub symbol: Symbol,
    pub reason: String,
    pub detail: String,
    pub at: DateTime<Utc>,
}

/// The latest refusal of each refused watched symbol, by symbol.
pub async fn list_refusals(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Refusal>> {
    sqlx::query_as!(
        Refusal,
        r#"select distinct on (i.symbol) i.symbol as "symbol: Word<Symbol>", n.reason, n.detail,
                  n.last_at as at
           from instrument i
           join operator_note n on n.key = 'symbol/' || i.symbol
           where i.watched order by i.symbol, n.last_at desc"#,
    )
    .fetch_all(db)
    .await
}
