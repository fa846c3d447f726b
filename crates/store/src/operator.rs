//! What only an operator can mend, told once.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub key: String,
    pub reason: String,
    pub detail: String,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub count: i64,
}

/// Notes an occurrence; true the first time since it was cleared, which is when to tell somebody.
pub async fn add(
    db: impl PgExecutor<'_>,
    key: &str,
    reason: &str,
    detail: &str,
) -> sqlx::Result<bool> {
    let count = sqlx::query_scalar!(
        "insert into operator_note (key, reason, detail) values ($1, $2, $3)
         on conflict (key, reason) do update
             set detail = excluded.detail, last_at = clock_timestamp(),
                 count = operator_note.count + 1
         returning count",
        key,
        reason,
        detail,
    )
    .fetch_one(db)
    .await?;
    Ok(count == 1)
}

/// Forgets the notes of a key, once it works again; returns how many there were.
pub async fn clear(db: impl PgExecutor<'_>, key: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from operator_note where key = $1", key).execute(db).await?;
    Ok(done.rows_affected())
}

/// What is still to be mended, the latest first.
pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Note>> {
    sqlx::query_as!(
        Note,
        "select key, reason, detail, first_at, last_at, count
         from operator_note order by last_at desc, key, reason",
    )
    .fetch_all(db)
    .await
}
