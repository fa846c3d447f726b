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
    /// Another channel could not tell of the episode for an hour.
    Undelivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    Queued,
    Sending,
    Sent,
    /// The provider may have accepted it: look it up before sending again.
    Unknown,
    /// Refused for good.
    Failed,
    /// Not sent while it mattered.
    Dropped,
    Suppressed,
}

/// A message to add.
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
    /// Made of simulated prices, news or readings; subject and body are marked.
    pub simulated: bool,
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
    pub simulated: bool,
    pub created_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub state: State,
}

/// Adds a message, unless episode, channel, recipient, kind and sequence have one; `Some` is its
/// id.
pub async fn add(db: impl PgExecutor<'_>, n: &NewNotification) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "insert into notification (alert_id, channel, recipient, kind, sequence, subject, body,
                                   simulated)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (alert_id, channel, recipient, kind, sequence) do nothing returning id",
        n.alert_id,
        n.channel as Channel,
        n.recipient,
        n.kind as Kind,
        n.sequence,
        n.subject,
        n.body,
        n.simulated,
    )
    .fetch_optional(db)
    .await
}

/// Adds a message with the next free sequence of its kind; returns its id.
pub async fn add_next(db: impl PgExecutor<'_>, n: &NewNotification) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into notification (alert_id, channel, recipient, kind, sequence, subject, body,
                                   simulated)
         select $1, $2, $3, $4, coalesce(max(sequence) + 1, 0), $5, $6, $7 from notification
         where alert_id = $1 and channel = $2 and recipient = $3 and kind = $4
         returning id",
        n.alert_id,
        n.channel as Channel,
        n.recipient,
        n.kind as Kind,
        n.subject,
        n.body,
        n.simulated,
    )
    .fetch_one(db)
    .await
}

pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"select id, alert_id, channel as "channel: Channel", recipient, kind as "kind: Kind",
                  sequence, subject, body, simulated, created_at, sent_at,
                  state as "state: State"
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
                  sequence, subject, body, simulated, created_at, sent_at,
                  state as "state: State"
           from notification where alert_id = $1 order by id"#,
        alert,
    )
    .fetch_all(db)
    .await
}

/// Moves a message that is not final to another state, with the time if it was sent. Returns true
/// if it was not final: a sent message stays sent.
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

/// Returns true if a later message tells the same recipient that the episode still lasts.
pub async fn is_repeated(db: impl PgExecutor<'_>, n: &Notification) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from notification
               where alert_id = $1 and channel = $2 and recipient = $3 and kind = 'repeat'
                   and id > $4) as "repeated!""#,
        n.alert_id,
        n.channel as Channel,
        n.recipient,
        n.id,
    )
    .fetch_one(db)
    .await
}

/// A channel over which messages could not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    pub channel: Channel,
    /// The alert of the first waiting message.
    pub alert_id: i64,
    pub since: DateTime<Utc>,
    pub waiting: i64,
    /// Error of the last delivery.
    pub error: String,
}

/// The channels with messages of before `since` that are not final yet and whose last try, not
/// before `tried`, has failed.
pub async fn list_stuck(
    db: impl PgExecutor<'_>,
    since: DateTime<Utc>,
    tried: DateTime<Utc>,
) -> sqlx::Result<Vec<Stuck>> {
    sqlx::query_as!(
        Stuck,
        r#"select n.channel as "channel: Channel",
                  (array_agg(n.alert_id order by n.id))[1] as "alert_id!",
                  min(n.created_at) as "since!", count(*) as "waiting!",
                  coalesce((array_agg(d.error order by d.id desc))[1], '') as "error!"
           from notification n
           cross join lateral (
               select id, state, error, ended_at from delivery
               where notification_id = n.id order by id desc limit 1) d
           where n.state in ('queued', 'sending', 'unknown') and n.created_at < $1
               and d.state in ('failed', 'unknown') and d.ended_at >= $2
           group by n.channel order by n.channel"#,
        since,
        tried,
    )
    .fetch_all(db)
    .await
}

/// Deletes at most `limit` messages from before an instant, with their deliveries, of episodes that are
/// over; returns how many. A firing episode counts its messages.
pub async fn prune(
    db: impl PgExecutor<'_>,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from notification where id in (
             select n.id from notification n join alert a on a.id = n.alert_id
             where n.created_at < $1 and a.state = 'resolved'
             order by n.id limit $2)",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
