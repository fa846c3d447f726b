//! Bulk commands: one command to many jobs, counted first, done in short steps, and continued by
//! any process.

mod step;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};

pub use self::step::go_on;
pub(crate) use self::step::run;
use crate::{Error, JobId, State, audit, inspect::contains};

/// The command to each job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// As [`crate::control::retry`].
    Retry,
    /// As [`crate::control::cancel`].
    Cancel,
    /// Deletes finished and waiting jobs with everything that belongs to them; running jobs are
    /// left alone.
    Delete,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "retry" => Self::Retry,
            "cancel" => Self::Cancel,
            _ => Self::Delete,
        }
    }
}

/// Selects jobs; all conditions must hold.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
// a condition of a newer release must not be ignored: the command would reach more jobs
#[serde(deny_unknown_fields)]
pub struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Text that the arguments, the unique key or the last error must contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Created at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Created before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Only these jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<JobId>>,
}

impl Filter {
    fn ids(&self) -> Option<Vec<i64>> {
        let mut ids: Vec<i64> = self.ids.as_ref()?.iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    fn text(&self) -> Option<String> {
        self.q.as_deref().map(contains)
    }
}

/// State of a bulk command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    Running,
    Done,
    /// Cancelled by an operator; jobs changed before stay changed.
    Cancelled,
}

/// A bulk command with its progress.
#[derive(Clone, Debug)]
pub struct Bulk {
    pub id: i64,
    pub action: Action,
    pub filter: Filter,
    pub actor: String,
    pub state: Progress,
    /// Jobs that fitted, and that the command could change, when it began.
    pub matched: i64,
    pub changed: i64,
    /// Jobs that fitted but could not be changed.
    pub skipped: i64,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Counts the jobs that the command would change now: those that fit and are in a state that it can
/// change. Exact, except for retries of jobs whose unique key a newer job holds: those are skipped.
pub async fn count(db: impl PgExecutor<'_>, action: Action, filter: &Filter) -> Result<i64, Error> {
    counted(db, action, filter, i64::MAX).await
}

async fn counted(
    db: impl PgExecutor<'_>,
    action: Action,
    filter: &Filter,
    upto: i64,
) -> Result<i64, Error> {
    let ids = filter.ids();
    let n = sqlx::query_scalar!(
        r#"select queue.count_matching($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as "n!""#,
        action.as_str(),
        filter.state.map(State::as_str),
        filter.kind,
        filter.queue,
        filter.tag,
        filter.text(),
        filter.from,
        filter.to,
        ids.as_deref(),
        upto,
    )
    .fetch_one(db)
    .await?;
    Ok(n)
}

/// Begins a command for the jobs that exist now, with its audit entry. No job is changed before the
/// first step: see [`go_on`].
pub async fn begin(
    tx: &mut PgConnection,
    action: Action,
    filter: &Filter,
    actor: &str,
) -> Result<Bulk, Error> {
    let upto = sqlx::query_scalar!(r#"select last_value as "n!" from queue.job_id"#)
        .fetch_one(&mut *tx)
        .await?;
    let matched = counted(&mut *tx, action, filter, upto).await?;
    let told = json!(filter);
    let row = sqlx::query!(
        "insert into queue.bulk (action, filter, actor, upto, matched) values ($1, $2, $3, $4, $5)
        returning id, created_at",
        action.as_str(),
        told,
        actor,
        upto,
        matched,
    )
    .fetch_one(&mut *tx)
    .await?;
    let detail = json!({ "before": { "filter": told, "matched": matched }, "after": null });
    let subject = row.id.to_string();
    audit::add(tx, actor, &format!("jobs.{}", action.as_str()), &subject, &detail).await?;
    Ok(Bulk {
        id: row.id,
        action,
        filter: filter.clone(),
        actor: actor.to_owned(),
        state: Progress::Running,
        matched,
        changed: 0,
        skipped: 0,
        created_at: row.created_at,
        ended_at: None,
    })
}

/// Finds a command; `None`: there is no such command.
pub async fn find(db: impl PgExecutor<'_>, id: i64) -> Result<Option<Bulk>, Error> {
    let row = sqlx::query!(
        "select id, action, filter, actor, state, matched, changed, skipped, created_at, ended_at
        from queue.bulk where id = $1",
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|r| Bulk {
        id: r.id,
        action: Action::read(&r.action),
        filter: serde_json::from_value(r.filter).unwrap_or_default(),
        actor: r.actor,
        state: match r.state.as_str() {
            "running" => Progress::Running,
            "done" => Progress::Done,
            _ => Progress::Cancelled,
        },
        matched: r.matched,
        changed: r.changed,
        skipped: r.skipped,
        created_at: r.created_at,
        ended_at: r.ended_at,
    }))
}

/// Cancels a command after the step under way; `false`: it has ended, or there is no such command.
pub async fn cancel(tx: &mut PgConnection, id: i64, actor: &str) -> Result<bool, Error> {
    let row = sqlx::query!(
        "update queue.bulk set state = 'cancelled', ended_at = clock_timestamp()
        where id = $1 and state = 'running' returning changed, skipped",
        id
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let detail = json!({
        "before": { "state": "running" },
        "after": { "state": "cancelled", "changed": row.changed, "skipped": row.skipped },
    });
    audit::add(tx, actor, "jobs.call_off", &id.to_string(), &detail).await?;
    Ok(true)
}
