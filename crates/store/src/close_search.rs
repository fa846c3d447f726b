//! Searches for the closes of a session: when a provider publishes them.

use bellwether_domain::planning::Arrival;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// Sessions that a list holds; older ones teach nothing.
const NEWEST: i64 = 30;

/// The searches of the newest sessions, newest first.
pub async fn list(db: impl PgExecutor<'_>, provider: &str) -> sqlx::Result<Vec<Arrival>> {
    let rows = sqlx::query!(
        "select closes, misses, missed_at, seen_at from close_search
         where provider = $1 order by closes desc limit $2",
        provider,
        NEWEST,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Arrival {
            closes: r.closes,
            misses: r.misses.cast_unsigned(),
            missed_at: r.missed_at,
            seen_at: r.seen_at,
        })
        .collect())
}

/// Records an answer that held the close of the session; only the first one changes anything.
pub async fn add_seen(
    db: impl PgExecutor<'_>,
    provider: &str,
    closes: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into close_search (provider, closes, seen_at) values ($1, $2, clock_timestamp())
         on conflict (provider, closes) do update set seen_at = excluded.seen_at
         where close_search.seen_at is null",
        provider,
        closes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records an answer that lacked the close of the session.
pub async fn add_miss(
    db: impl PgExecutor<'_>,
    provider: &str,
    closes: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into close_search (provider, closes, misses, missed_at)
         values ($1, $2, 1, clock_timestamp())
         on conflict (provider, closes) do update
         set misses = close_search.misses + 1, missed_at = excluded.missed_at",
        provider,
        closes,
    )
    .execute(db)
    .await?;
    Ok(())
}
