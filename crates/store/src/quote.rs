//! Observed prices.

use bellwether_domain::{Quote, Symbol};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use sqlx::{Connection, PgConnection, PgExecutor};

use crate::column::Word;

/// One observation as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    pub id: i64,
    pub symbol: Symbol,
    pub trading_day: NaiveDate,
    pub price: Decimal,
    pub open: Option<Decimal>,
    pub high: Option<Decimal>,
    pub low: Option<Decimal>,
    pub previous_close: Option<Decimal>,
    pub volume: Option<i64>,
    pub provider: String,
    pub first_seen_at: DateTime<Utc>,
}

/// Adds a quote if it is a new observation ([`Quote::is_news_after`]); `Some` is its id. In either
/// case the instrument's time of the last answer is set. The symbol must be a known instrument.
///
/// Calls for one symbol are serialised until the end of the caller's transaction.
pub async fn add(
    conn: &mut PgConnection,
    quote: &Quote,
    provider: &str,
) -> sqlx::Result<Option<i64>> {
    // a transaction of our own if the caller has none: the lock must outlive the decision
    let mut tx = conn.begin().await?;
    sqlx::query!(
        "update instrument set quote_seen_at = clock_timestamp() where symbol = $1",
        quote.symbol.as_str(),
    )
    .execute(&mut *tx)
    .await?;

    // rounded as the column rounds, or a seventh decimal would always be a new observation
    let quote = &Quote {
        price: quote.price.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero),
        ..quote.clone()
    };
    let last = sqlx::query!(
        "select trading_day, price from quote where symbol = $1
         order by trading_day desc, id desc limit 1",
        quote.symbol.as_str(),
    )
    .fetch_optional(&mut *tx)
    .await?;

    let mut added = None;
    if quote.is_news_after(last.map(|l| (l.trading_day, l.price))) {
        let id = sqlx::query_scalar!(
            "insert into quote (symbol, trading_day, price, open, high, low, previous_close,
                                volume, provider)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
            quote.symbol.as_str(),
            quote.trading_day,
            quote.price,
            quote.open,
            quote.high,
            quote.low,
            quote.previous_close,
            quote.volume,
            provider,
        )
        .fetch_one(&mut *tx)
        .await?;
        added = Some(id);
    }
    tx.commit().await?;
    Ok(added)
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Observed>> {
    sqlx::query_as!(
        Observed,
        r#"select id, symbol as "symbol: Word<Symbol>", trading_day, price, open, high, low,
                  previous_close, volume, provider, first_seen_at
           from quote where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The latest quote of a symbol that was known at an instant.
pub async fn find_latest(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<Observed>> {
    sqlx::query_as!(
        Observed,
        r#"select id, symbol as "symbol: Word<Symbol>", trading_day, price, open, high, low,
                  previous_close, volume, provider, first_seen_at
           from quote where symbol = $1 and first_seen_at <= $2
           order by trading_day desc, id desc limit 1"#,
        symbol.as_str(),
        at,
    )
    .fetch_optional(db)
    .await
}

/// Deletes at most `limit` observations of trading days before one, the oldest of each symbol
/// first: never a symbol's newest, and none of a day on which a kept signal may have read it.
/// Returns how many.
pub async fn prune(db: impl PgExecutor<'_>, before: NaiveDate, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from quote where id in (
             select old.id
             from instrument i
             cross join lateral (
                 select q.id from quote q
                 where q.symbol = i.symbol and q.trading_day < $1
                   -- a signal reads the price of the running session
                   and not exists (
                       select from signal s
                       where s.symbol = q.symbol
                         and s.at between q.trading_day - interval '1 day'
                                      and q.trading_day + interval '3 days')
                 order by q.trading_day, q.id limit $2
             ) old
             where old.id <> (
                 select q.id from quote q where q.symbol = i.symbol
                 order by q.trading_day desc, q.id desc limit 1)
             limit $2)",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
