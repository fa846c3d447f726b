//! Deliveries: attempts to send a message.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Begun; after a crash its outcome is unknown.
    Sending,
    Sent,
    /// The provider may have taken it.
    Unknown,
    Failed,
    /// Not attempted: the message no longer mattered.
    Dropped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    pub notification_id: i64,
    pub attempt: i32,
    pub nonce: String,
    pub state: State,
    pub provider_id: Option<String>,
    pub error: Option<String>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Adds a delivery; commit it before the request is sent. Returns its id.
pub async fn add(
    db: impl PgExecutor<'_>,
    notification: i64,
    attempt: i32,
    nonce: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into delivery (notification_id, attempt, nonce) values ($1, $2, $3) returning id",
        notification,
        attempt,
        nonce,
    )
    .fetch_one(db)
    .await
}

/// Adds a delivery that was not attempted, with the reason.
pub async fn drop(
    db: impl PgExecutor<'_>,
    notification: i64,
    attempt: i32,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into delivery (notification_id, attempt, nonce, state, error, ended_at)
         values ($1, $2, '', 'dropped', $3, clock_timestamp())",
        notification,
        attempt,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a delivery, or corrects one whose outcome was unknown; returns true if it did. A state of
/// `Sending` changes nothing.
pub async fn end(
    db: impl PgExecutor<'_>,
    id: i64,
    state: State,
    provider_id: Option<&str>,
    error: Option<&str>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update delivery
         set state = $2, provider_id = $3, error = $4, ended_at = clock_timestamp()
         where id = $1 and state in ('sending', 'unknown') and $2 <> 'sending'",
        id,
        state as State,
        provider_id,
        error,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The deliveries of a message, newest first.
pub async fn list(db: impl PgExecutor<'_>, notification: i64) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"select id, notification_id, attempt, nonce, state as "state: State", provider_id, error,
                  started_at, ended_at
           from delivery where notification_id = $1 order by id desc"#,
        notification,
    )
    .fetch_all(db)
    .await
}
