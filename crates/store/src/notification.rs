//! Messages about episodes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Channel {
    Sms,
    Email,
    Webhook,
    Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Kind {
    Firing,
    Repeat,
    Resolved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    Queued,
    Sending,
    Sent,
    /// The provider may have taken it: look before sending again.
    Unknown,
    Failed,
    Suppressed,
}

/// A message as it is decided on.
#[derive(Clone, Debug)]
pub struct NewNotification {
    pub alert_id: i64,
    pub channel: Channel,
    pub recipient: String,
    pub kind: Kind,
    /// Counts messages of one kind, from 0.
    pub sequence: i32,
    /// Of an e-mail; empty elsewhere.
    pub subject: String,
    pub body: String,
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub id: i64,
    pub alert_id: i64,
    pub channel: Channel,
    pub recipient: String,
    pub kind: Kind,
    pub sequence: i32,
    pub subject: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub state: State,
}

/// Adds a message, unless episode, channel, recipient, kind and sequence have one; `Some` is its
/// id.
pub async fn add(db: impl PgExecutor<'_>, n: &NewNotification) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into notification (alert_id, channel, recipient, kind, sequence, subject, body)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (alert_id, channel, recipient, kind, sequence) do nothing returning id",
        n.alert_id,
        n.channel as Channel,
        n.recipient,
        n.kind as Kind,
        n.sequence,
        n.subject,
        n.body,
    )
    .fetch_optional(db)
    .await
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"select id, alert_id, channel as "channel: Channel", recipient, kind as "kind: Kind",
                  sequence, subject, body, created_at, sent_at, state as "state: State"
           from notification where id = $1"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The messages of an episode in the order in which they were decided.
pub async fn list_by_alert(db: impl PgExecutor<'_>, alert: i64) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"select id, alert_id, channel as "channel: Channel", recipient, kind as "kind: Kind",
                  sequence, subject, body, created_at, sent_at, state as "state: State"
           from notification where alert_id = $1 order by id"#,
        alert,
    )
    .fetch_all(db)
    .await
}

/// Moves a message that is not at its end to another state, keeping the time if it was sent.
/// Says whether it was still on its way: a sent message stays sent.
pub async fn move_to(db: impl PgExecutor<'_>, id: i64, state: State) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update notification
         set state = $2, sent_at = case when $2 = 'sent' then clock_timestamp() end
         where id = $1 and state in ('queued', 'sending', 'unknown')",
        id,
        state as State,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Messages that are still on their way, oldest first.
pub async fn list_unsent(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"select id, alert_id, channel as "channel: Channel", recipient, kind as "kind: Kind",
                  sequence, subject, body, created_at, sent_at, state as "state: State"
           from notification where state in ('queued', 'sending', 'unknown')
           order by id limit $1"#,
        limit,
    )
    .fetch_all(db)
    .await
}
