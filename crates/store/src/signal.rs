//! Signals with the terms and the inputs that made them.

use bellwether_domain::{SignalLabel, Symbol};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::Position;
use crate::column::{Maybe, Word, word};

/// A signal to add. Without a label its state is `insufficient_data`.
#[derive(Clone, Debug)]
pub struct NewSignal {
    pub symbol: Symbol,
    /// No input became available later than this.
    pub at: DateTime<Utc>,
    pub label: Option<SignalLabel>,
    pub c: Option<f64>,
    pub p: Option<f64>,
    pub s: f64,
    pub q: f64,
    pub terms: Value,
    pub inputs: Value,
    pub formula_version: String,
    /// The row that led to it; the same cause makes one signal.
    pub cause: String,
    pub job: Option<i64>,
}

/// A signal as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    pub id: i64,
    pub symbol: Symbol,
    pub at: DateTime<Utc>,
    /// `ok` or `insufficient_data`.
    pub state: String,
    pub label: Option<SignalLabel>,
    pub c: Option<f64>,
    pub p: Option<f64>,
    pub s: f64,
    pub q: f64,
    pub terms: Value,
    pub inputs: Value,
    pub formula_version: String,
    pub cause: String,
    pub job: Option<i64>,
}

/// Adds a signal, unless its cause has made one; `Some` is its id.
pub async fn add(db: impl PgExecutor<'_>, s: &NewSignal) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into signal (symbol, at, state, label, c, p, s, q, terms, inputs, formula_version,
                             cause, job)
         values ($1, $2, case when $3::text is null then 'insufficient_data' else 'ok' end, $3, $4,
                 $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (symbol, cause) do nothing returning id",
        s.symbol.as_str(),
        s.at,
        s.label.map(|label| word(&label)),
        s.c,
        s.p,
        s.s,
        s.q,
        s.terms,
        s.inputs,
        s.formula_version,
        s.cause,
        s.job,
    )
    .fetch_optional(db)
    .await
}

/// Deletes at most `limit` signals from before an instant, the oldest of each symbol first and never
/// its newest; returns how many.
pub async fn prune(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from signal where id in (
             select old.id
             from instrument i
             cross join lateral (
                 select s.id from signal s where s.symbol = i.symbol and s.at < $1
                 order by s.at, s.id limit $2
             ) old
             where old.id <> (
                 select s.id from signal s where s.symbol = i.symbol
                 order by s.at desc, s.id desc limit 1)
             limit $2)",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Signal>> {
    sqlx::query_as!(
        Signal,
        r#"select id, symbol as "symbol: Word<Symbol>", at, state,
                  label as "label!: Maybe<SignalLabel>", c, p, s, q, terms, inputs,
                  formula_version, cause, job
           from signal where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The newest signal of a symbol.
pub async fn find_current(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
) -> sqlx::Result<Option<Signal>> {
    Ok(list(db, symbol, None, 1).await?.pop())
}

/// Signals of a symbol, newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    before: Option<Position>,
    limit: i64,
) -> sqlx::Result<Vec<Signal>> {
    sqlx::query_as!(
        Signal,
        r#"select id, symbol as "symbol: Word<Symbol>", at, state,
                  label as "label!: Maybe<SignalLabel>", c, p, s, q, terms, inputs,
                  formula_version, cause, job
           from signal
           where symbol = $1
             and (at, id) < (coalesce($2, 'infinity'::timestamptz),
                             coalesce($3, 9223372036854775807))
           order by at desc, id desc limit $4"#,
        symbol.as_str(),
        before.map(|b| b.0),
        before.map(|b| b.1),
        limit,
    )
    .fetch_all(db)
    .await
}
