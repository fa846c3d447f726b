//! The audit: what people did to jobs, queues, limits and schedules.
//!
//! Of this crate only [`crate::bulk`] writes entries by itself: it is told who asks. Commands of
//! [`crate::control`], [`crate::limits`] and [`crate::schedule`] are not; whoever offers them to
//! people adds the entry in the same transaction.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::Error;

/// One thing that somebody did.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: i64,
    /// By the database's clock.
    pub at: DateTime<Utc>,
    /// Who: never a secret, only a name for one.
    pub actor: String,
    /// A noun and a verb, for example `queue.pause`.
    pub action: String,
    /// The id or the name of what was changed.
    pub subject: String,
    pub detail: Value,
}

/// Writes an entry. Handed the transaction of the effect, both exist or neither does.
pub async fn add(
    db: impl PgExecutor<'_>,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &Value,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into queue.audit (actor, action, subject, detail) values ($1, $2, $3, $4)",
        actor,
        action,
        subject,
        detail
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Entries, newest first; `before` is the last id of the page before.
pub async fn list(
    db: impl PgExecutor<'_>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query!(
        r#"select id, at, actor, action, subject, coalesce(detail, 'null') as "detail!"
        from queue.audit where id < $1 order by id desc limit $2"#,
        before.unwrap_or(i64::MAX),
        limit.clamp(1, 1_000)
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Entry {
            id: r.id,
            at: r.at,
            actor: r.actor,
            action: r.action,
            subject: r.subject,
            detail: r.detail,
        })
        .collect())
}
