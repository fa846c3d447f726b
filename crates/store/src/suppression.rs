//! Recipients to whom no message may be sent.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::notification::Channel;

/// Suppresses a recipient; returns true if that is new. The first reason stays.
pub async fn add(
    db: impl PgExecutor<'_>,
    channel: Channel,
    recipient: &str,
    reason: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into suppression (channel, recipient, reason) values ($1, $2, $3)
         on conflict do nothing",
        channel as Channel,
        recipient,
        reason,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The reason why a recipient gets no messages, if any.
pub async fn find(
    db: impl PgExecutor<'_>,
    channel: Channel,
    recipient: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select reason from suppression where channel = $1 and recipient = $2",
        channel as Channel,
        recipient,
    )
    .fetch_optional(db)
    .await
}

/// Deletes recipients that were suppressed before an instant and to whom no message is kept.
/// Returns how many.
pub async fn prune(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from suppression s where s.since < $1 and not exists (
             select from notification n where n.channel = s.channel and n.recipient = s.recipient)",
        before,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
