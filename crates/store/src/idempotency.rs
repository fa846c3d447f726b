//! First answers to requests with an Idempotency-Key, kept for a day.

use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};

/// Result of a claim of an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The first: carry it out, then [`keep`] the answer, in one transaction with its effect.
    First,
    /// A repetition of an answered one.
    Answered { status: i16, body: Value },
    /// Another request under the same key.
    Mismatch,
    /// The first one was committed without an answer.
    Unanswered,
}

/// Claims a key for a request. While the first one's transaction runs, a repetition waits for it;
/// if that rolls back, the repetition is the first. A key is free again after 24 h.
pub async fn claim(
    conn: &mut PgConnection,
    scope: &str,
    key: &str,
    request_hash: &str,
) -> sqlx::Result<Claim> {
    let first = sqlx::query!(
        "insert into idempotency_key as known (scope, key, request_hash) values ($1, $2, $3)
         on conflict (scope, key) do update
             set request_hash = excluded.request_hash, status = null, body = null,
                 created_at = clock_timestamp()
             where known.created_at < clock_timestamp() - interval '24 hours'",
        scope,
        key,
        request_hash,
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if first > 0 {
        return Ok(Claim::First);
    }
    // a second statement: the first one's snapshot is older than the transaction it waited for
    let known = sqlx::query!(
        "select request_hash, status, body from idempotency_key where scope = $1 and key = $2",
        scope,
        key,
    )
    .fetch_one(conn)
    .await?;
    Ok(match (known.request_hash == request_hash, known.status, known.body) {
        (false, ..) => Claim::Mismatch,
        (true, Some(status), Some(body)) => Claim::Answered { status, body },
        (true, ..) => Claim::Unanswered,
    })
}

/// Stores the answer of a claimed key; returns true if it was claimed and had none.
pub async fn keep(
    db: impl PgExecutor<'_>,
    scope: &str,
    key: &str,
    status: i16,
    body: &Value,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update idempotency_key set status = $3, body = $4
         where scope = $1 and key = $2 and status is null",
        scope,
        key,
        status,
        body,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes keys older than a day; returns how many.
pub async fn prune(db: impl PgExecutor<'_>) -> sqlx::Result<u64> {
    // the statement's time: an index cannot be searched by a clock that advances
    let done = sqlx::query!(
        "delete from idempotency_key
         where created_at < statement_timestamp() - interval '24 hours'",
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
