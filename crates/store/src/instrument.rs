//! Instruments and the watchlist.

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::column::{Word, texts};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    pub symbol: Symbol,
    pub name: Option<String>,
    pub exchange: Option<String>,
    pub currency: String,
    pub watched: bool,
    pub added_at: DateTime<Utc>,
    /// When a provider last answered with a quote, changed or not.
    pub quote_seen_at: Option<DateTime<Utc>>,
    /// When a provider last answered a news search, empty or not.
    pub news_seen_at: Option<DateTime<Utc>>,
    /// Answers in a row that lacked a close which was published for other symbols.
    pub close_misses: i32,
}

/// Adds these symbols, watched, if no symbol is known at all; returns their number.
pub async fn seed(db: impl PgExecutor<'_>, symbols: &[Symbol]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "insert into instrument (symbol)
         select distinct s.symbol from unnest($1::text[]) as s (symbol)
         where not exists (select from instrument) order by s.symbol
         on conflict do nothing",
        &texts(symbols),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Adds the symbols that are not known yet, watched; returns their number.
pub async fn add_all(db: impl PgExecutor<'_>, symbols: &[Symbol]) -> sqlx::Result<u64> {
    // in order, so that two callers cannot deadlock
    let done = sqlx::query!(
        "insert into instrument (symbol)
         select distinct unnest($1::text[]) as symbol order by symbol
         on conflict do nothing",
        &texts(symbols),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Adds the symbols that are not known yet, without watching them; returns their number.
pub async fn add_unwatched(db: impl PgExecutor<'_>, symbols: &[Symbol]) -> sqlx::Result<u64> {
    // in order, so that two callers cannot deadlock
    let done = sqlx::query!(
        "insert into instrument (symbol, watched)
         select symbol, false from (select distinct unnest($1::text[]) as symbol) s order by symbol
         on conflict do nothing",
        &texts(symbols),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Updates the known facts about a symbol; a `None` changes nothing. Returns true if anything
/// changed.
pub async fn describe(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    name: Option<&str>,
    exchange: Option<&str>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update instrument
         set name = coalesce($2, name), exchange = coalesce($3, exchange)
         where symbol = $1
           and (name, exchange) is distinct from (coalesce($2, name), coalesce($3, exchange))",
        symbol.as_str(),
        name,
        exchange,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Adds a symbol to the watchlist or removes it; returns true if that changed it.
pub async fn watch(db: impl PgExecutor<'_>, symbol: &Symbol, watched: bool) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update instrument set watched = $2 where symbol = $1 and watched <> $2",
        symbol.as_str(),
        watched,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub async fn find(db: impl PgExecutor<'_>, symbol: &Symbol) -> sqlx::Result<Option<Instrument>> {
    sqlx::query_as!(
        Instrument,
        r#"select symbol as "symbol: Word<Symbol>", name, exchange, currency, watched, added_at,
                  quote_seen_at, news_seen_at, close_misses
           from instrument where symbol = $1"#,
        symbol.as_str(),
    )
    .fetch_optional(db)
    .await
}

/// The watchlist by symbol.
pub async fn list_watched(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Instrument>> {
    sqlx::query_as!(
        Instrument,
        r#"select symbol as "symbol: Word<Symbol>", name, exchange, currency, watched, added_at,
                  quote_seen_at, news_seen_at, close_misses
           from instrument where watched order by symbol"#,
    )
    .fetch_all(db)
    .await
}

/// Watched symbols with an alert that has not ended, or with a rule of their own.
pub async fn list_important(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Symbol>> {
    let important = sqlx::query_scalar!(
        r#"select i.symbol as "symbol: Word<Symbol>" from instrument i
           where i.watched and (
               i.symbol in (select a.symbol from alert a where a.state <> 'resolved')
               or i.symbol in (select r.symbol from rule r where r.enabled and r.symbol is not null))
           order by i.symbol"#,
    )
    .fetch_all(db)
    .await?;
    Ok(important.into_iter().map(Symbol::from).collect())
}

/// Records that a provider answered a news search for the symbol, also without articles.
pub async fn news_seen(db: impl PgExecutor<'_>, symbol: &Symbol) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update instrument set news_seen_at = clock_timestamp() where symbol = $1",
        symbol.as_str(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Records that an answer held the newest published close of the symbol, or lacked it; returns true if
/// the symbol is known.
pub async fn close_seen(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    has_close: bool,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update instrument
         set close_misses = case when $2 then 0 else close_misses + 1 end, quote_seen_at = clock_timestamp()
         where symbol = $1",
        symbol.as_str(),
        has_close,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
