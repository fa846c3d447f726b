//! Recipients who must not be written to.

use sqlx::PgExecutor;

use crate::notification::Channel;

/// Suppresses a recipient; says whether that is new. The first reason stays.
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

/// Why a recipient must not be written to, if so.
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
