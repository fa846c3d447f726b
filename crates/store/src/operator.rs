//! Notes for an operator: faults that only an operator can correct, each told once.

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

/// Adds an occurrence; true the first time since it was cleared, which is when an operator is told.
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

/// The note of a key that was parked because its provider refuses a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub reason: String,
    pub detail: String,
    pub parked_until: DateTime<Utc>,
    /// A mark of the credential: a salt and a digest with it.
    pub credential: String,
}

/// Notes that a key was parked until a time because its provider refuses a credential; true the first
/// time since it was cleared.
pub async fn stop(
    db: impl PgExecutor<'_>,
    key: &str,
    reason: &str,
    detail: &str,
    parked_until: Option<DateTime<Utc>>,
    credential: Option<&str>,
) -> sqlx::Result<bool> {
    let count = sqlx::query_scalar!(
        "insert into operator_note (key, reason, detail, parked_until, credential)
         values ($1, $2, $3, $4, $5)
         on conflict (key, reason) do update
             set detail = excluded.detail, last_at = clock_timestamp(),
                 count = operator_note.count + 1, parked_until = excluded.parked_until,
                 credential = excluded.credential
         returning count",
        key,
        reason,
        detail,
        parked_until,
        credential,
    )
    .fetch_one(db)
    .await?;
    Ok(count == 1)
}

/// The parks of a key for a refused credential.
pub async fn list_stops(db: impl PgExecutor<'_>, key: &str) -> sqlx::Result<Vec<Stop>> {
    sqlx::query_as!(
        Stop,
        r#"select reason, detail, parked_until as "parked_until!", credential as "credential!"
           from operator_note
           where key = $1 and parked_until is not null and credential is not null"#,
        key,
    )
    .fetch_all(db)
    .await
}

/// Deletes a note that was last added before a time; returns true if there was one.
pub async fn expire(
    db: impl PgExecutor<'_>,
    key: &str,
    reason: &str,
    before: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from operator_note where key = $1 and reason = $2 and last_at < $3",
        key,
        reason,
        before,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes the notes of a key, once it works again; returns how many there were.
pub async fn clear(db: impl PgExecutor<'_>, key: &str) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from operator_note where key = $1", key).execute(db).await?;
    Ok(done.rows_affected())
}

/// Notes that are not cleared, the latest first.
pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Note>> {
    sqlx::query_as!(
        Note,
        "select key, reason, detail, first_at, last_at, count
         from operator_note order by last_at desc, key, reason",
    )
    .fetch_all(db)
    .await
}

/// Deletes notes without an occurrence since an instant; returns their number.
pub async fn prune(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from operator_note where last_at < $1", before).execute(db).await?;
    Ok(done.rows_affected())
}
