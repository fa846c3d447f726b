//! Daily bars and their corrections.

use bellwether_domain::{Bar, Symbol};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

/// The close of one day, and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub day: NaiveDate,
    pub revision: i32,
    pub close: Decimal,
}

/// Adds the new days, and a revision of each day whose figures differ from its current ones;
/// returns the number of added rows. The symbol must be a known instrument.
pub async fn add_all(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    bars: &[Bar],
    provider: &str,
) -> sqlx::Result<u64> {
    let days: Vec<NaiveDate> = bars.iter().map(|b| b.day).collect();
    let open: Vec<Decimal> = bars.iter().map(|b| b.open).collect();
    let high: Vec<Decimal> = bars.iter().map(|b| b.high).collect();
    let low: Vec<Decimal> = bars.iter().map(|b| b.low).collect();
    let close: Vec<Decimal> = bars.iter().map(|b| b.close).collect();
    let volume: Vec<i64> = bars.iter().map(|b| b.volume).collect();
    let done = sqlx::query_file!(
        "src/bar_add_all.sql",
        symbol.as_str(),
        provider,
        &days,
        &open,
        &high,
        &low,
        &close,
        &volume,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Up to `limit` closes of days not after `through`, oldest first, as they were known at an
/// instant.
pub async fn list_closes(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    through: NaiveDate,
    at: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Close>> {
    let mut closes = sqlx::query_as!(
        Close,
        "select distinct on (day) day, revision, close from bar
         where symbol = $1 and day <= $2 and first_seen_at <= $3
         order by day desc, revision desc limit $4",
        symbol.as_str(),
        through,
        at,
        limit,
    )
    .fetch_all(db)
    .await?;
    closes.reverse();
    Ok(closes)
}

/// Up to `limit` days before one, or the newest, as currently known, newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    before: Option<NaiveDate>,
    limit: i64,
) -> sqlx::Result<Vec<Bar>> {
    sqlx::query_as!(
        Bar,
        r#"select day as "day!", open as "open!", high as "high!", low as "low!",
                  close as "close!", volume as "volume!"
           from bar_current where symbol = $1 and day < coalesce($2, 'infinity'::date)
           order by day desc limit $3"#,
        symbol.as_str(),
        before,
        limit,
    )
    .fetch_all(db)
    .await
}

/// The newest day that is known of a symbol.
pub async fn find_last_day(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
) -> sqlx::Result<Option<NaiveDate>> {
    sqlx::query_scalar!(
        "select day from bar where symbol = $1 order by day desc limit 1",
        symbol.as_str(),
    )
    .fetch_optional(db)
    .await
}

/// Deletes at most `limit` bars of days before one, the oldest of each symbol first, and none that a
/// kept signal may have read. Returns how many.
pub async fn prune(db: impl PgExecutor<'_>, before: NaiveDate, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from bar b using (
             select old.*
             from instrument i
             cross join lateral (
                 select x.symbol, x.day, x.revision from bar x
                 where x.symbol = i.symbol and x.day < $1
                   -- 250 closes span a year, and half as much again after a long halt
                   and not exists (
                       select from signal s
                       where s.symbol = x.symbol
                         and s.at between x.day and x.day + interval '550 days')
                 order by x.day, x.revision limit $2
             ) old
             limit $2
         ) old
         where b.symbol = old.symbol and b.day = old.day and b.revision = old.revision",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
