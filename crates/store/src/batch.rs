//! Scrape batches.

use bellwether_domain::Symbol;
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::column::texts;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub id: i64,
    pub job: Option<i64>,
    pub reason: String,
    pub symbols: Vec<String>,
    pub requested_at: DateTime<Utc>,
}

/// Adds the batch of a job, unless that job has one; `Some` is its id.
pub async fn add(
    db: impl PgExecutor<'_>,
    job: Option<i64>,
    reason: &str,
    symbols: &[Symbol],
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into batch (job, reason, symbols) values ($1, $2, $3)
         on conflict (job) do nothing returning id",
        job,
        reason,
        &texts(symbols),
    )
    .fetch_optional(db)
    .await
}

pub async fn find_by_job(db: impl PgExecutor<'_>, job: i64) -> sqlx::Result<Option<Batch>> {
    sqlx::query_as!(
        Batch,
        "select id, job, reason, symbols, requested_at from batch where job = $1",
        job,
    )
    .fetch_optional(db)
    .await
}

/// The latest batches, newest first.
pub async fn list(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Batch>> {
    sqlx::query_as!(
        Batch,
        "select id, job, reason, symbols, requested_at from batch order by id desc limit $1",
        limit,
    )
    .fetch_all(db)
    .await
}

/// Deletes at most `limit` batches from before an instant, the oldest first; returns how many.
pub async fn prune(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from batch where id in (
             select id from batch where requested_at < $1 order by id limit $2)",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
