//! Audit log: commands of people to jobs, queues, limits and schedules.
//!
//! [`crate::bulk`] adds its own entries, because its caller names the actor. Commands of
//! [`crate::control`], [`crate::limits`] and [`crate::schedule`] do not know the actor: a program
//! that offers them to people adds the entry in the same transaction.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;

use crate::Error;

/// One entry of the audit log.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: i64,
    /// By the database's clock.
    pub at: DateTime<Utc>,
    /// Name of the actor; never a secret.
    pub actor: String,
    /// A noun and a verb, for example `queue.pause`.
    pub action: String,
    /// The id or the name of what was changed.
    pub subject: String,
    pub detail: Value,
}

/// Adds an entry. In the transaction of the command, both are committed or neither is.
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

/// Lists entries, newest first; `before` is the last id of the previous page.
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
