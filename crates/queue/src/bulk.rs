//! One command to many jobs: counted first, done in short steps, gone on with by any process.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Connection, PgConnection, PgExecutor};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Db, Error, JobId, State, audit, inspect::contains, process::interval};

/// Jobs that one step changes at most.
const STEP: usize = 500;
/// A step looks for jobs no longer than this.
const LOOK: Duration = Duration::from_millis(200);
/// Numbers that a step looks at in one go, at first and at most.
const NARROW: i64 = 2_000;
const WIDE: i64 = 1 << 20;
/// The shortest rest between two steps; longer steps rest as long as they took.
const REST: Duration = Duration::from_millis(20);
/// How often a process looks for a command that was begun elsewhere.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is done to each job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// As [`crate::control::retry`].
    Retry,
    /// As [`crate::control::cancel`].
    Cancel,
    /// Removes finished and waiting jobs with all that belongs to them; running ones are left
    /// alone.
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

/// Which jobs: all conditions must hold.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Filter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Text that the arguments, the unique key or the last error contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Created at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Created before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// Only these.
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

/// Where a command stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    Running,
    Done,
    /// Called off; what it had changed stays changed.
    Cancelled,
}

/// A command and how far it has come.
#[derive(Clone, Debug)]
pub struct Bulk {
    pub id: i64,
    pub action: Action,
    pub filter: Filter,
    pub actor: String,
    pub state: Progress,
    /// How many fitted when it began.
    pub matched: i64,
    pub changed: i64,
    /// Fitted, but could not be changed.
    pub skipped: i64,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// How many jobs fit now; exact.
pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<i64, Error> {
    counted(db, filter, i64::MAX).await
}

async fn counted(db: impl PgExecutor<'_>, filter: &Filter, upto: i64) -> Result<i64, Error> {
    let ids = filter.ids();
    let n = sqlx::query_scalar!(
        r#"select queue.count_v1($1, $2, $3, $4, $5, $6, $7, $8, $9) as "n!""#,
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

/// Begins a command for the jobs that exist now, with its entry in the audit. Nothing is changed
/// before the first step: see [`go_on`].
pub async fn begin(
    tx: &mut PgConnection,
    action: Action,
    filter: &Filter,
    actor: &str,
) -> Result<Bulk, Error> {
    let upto = sqlx::query_scalar!(r#"select last_value as "n!" from queue.job_id"#)
        .fetch_one(&mut *tx)
        .await?;
    let matched = counted(&mut *tx, filter, upto).await?;
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

/// `None`: there is no such command.
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

/// Calls a command off after the step under way; `false`: it has ended, or there is none.
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

/// Goes on with a command until it has ended, at most for `patience`. Several may do so at once:
/// they take turns.
pub async fn go_on(db: &Db, id: i64, patience: Duration) -> Result<Option<Bulk>, Error> {
    let deadline = Instant::now() + patience;
    loop {
        let stepped = step(db, Some(id)).await?;
        let bulk = find(db, id).await?;
        let ended = bulk.as_ref().is_none_or(|b| b.state != Progress::Running);
        let next = Instant::now() + stepped.unwrap_or(REST);
        if ended || next >= deadline {
            return Ok(bulk);
        }
        tokio::time::sleep_until(next).await;
    }
}

/// Goes on with whatever nobody has ended, until told to stop.
pub(crate) async fn run(db: Db, stop: CancellationToken) {
    let mut wait = LOOK_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = match step(&db, None).await {
            Ok(rest) => rest.unwrap_or(LOOK_EVERY),
            Err(e) => {
                tracing::debug!("a bulk command, trying again: {e}");
                LOOK_EVERY
            }
        };
    }
}

/// One step of a command that is due; how long to rest after it. `None`: nothing is due, or another
/// process is at it.
async fn step(db: &Db, id: Option<i64>) -> Result<Option<Duration>, Error> {
    match try_step(db, id, STEP).await {
        Err(Error::Database(e)) if met_another(&e) => {
            tracing::debug!("a bulk step met another transaction; going on one by one");
            for _ in 0..STEP {
                if try_step(db, id, 1).await?.is_none() {
                    break;
                }
            }
            Ok(Some(REST))
        }
        other => other,
    }
}

/// Whether a transaction gave way to another: deadlock, serialization, lock timeout.
fn met_another(e: &sqlx::Error) -> bool {
    let code = e.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["40P01", "40001", "55P03"].contains(&code.as_ref()))
}

async fn try_step(db: &Db, id: Option<i64>, most: usize) -> Result<Option<Duration>, Error> {
    let began = Instant::now();
    let mut tx = db.begin().await?;
    let row = sqlx::query!(
        "select id, action, filter, actor, upto, reached, matched, changed, skipped from queue.bulk
        where state = 'running' and next_at <= clock_timestamp() and ($1::bigint is null or id = $1)
        order by next_at limit 1 for update skip locked",
        id
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // one that a newer release wrote is left to processes that can read it
    let Ok(filter) = serde_json::from_value::<Filter>(row.filter) else { return Ok(None) };

    let (jobs, reached) = next(&mut tx, &filter, row.reached, row.upto, most).await?;
    let applied = if jobs.len() == 1 {
        apply_alone(&mut tx, &row.action, &jobs, filter.state).await?
    } else {
        apply(&mut tx, &row.action, &jobs, filter.state).await?
    };
    let changed = row.changed + i64::from(applied);
    let mut skipped = row.skipped + jobs.len() as i64 - i64::from(applied);
    let ended = reached >= row.upto;
    if ended {
        // those that fitted no longer when their turn came
        skipped = skipped.max(row.matched - changed);
        let detail = json!({
            "before": { "matched": row.matched },
            "after": { "changed": changed, "skipped": skipped },
        });
        let action = format!("jobs.{}.done", row.action);
        audit::add(&mut *tx, &row.actor, &action, &row.id.to_string(), &detail).await?;
    }
    let rest = if most == 1 { Duration::ZERO } else { began.elapsed().max(REST) };
    sqlx::query!(
        "update queue.bulk set reached = $2, changed = $3, skipped = $4,
            next_at = clock_timestamp() + $5,
            state = case when $6 then 'done' else state end,
            ended_at = case when $6 then clock_timestamp() end
        where id = $1",
        row.id,
        reached,
        changed,
        skipped,
        interval(rest),
        ended,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some(if ended { Duration::ZERO } else { rest }))
}

async fn apply(
    tx: &mut PgConnection,
    action: &str,
    jobs: &[i64],
    state: Option<State>,
) -> Result<i32, Error> {
    let applied = sqlx::query_scalar!(
        r#"select queue.apply_v1($1, $2, $3) as "n!""#,
        action,
        jobs,
        state.map(State::as_str)
    )
    .fetch_one(tx)
    .await?;
    Ok(applied)
}

/// A single job holds nothing else while it waits; what it cannot have in three tries is skipped.
async fn apply_alone(
    tx: &mut PgConnection,
    action: &str,
    jobs: &[i64],
    state: Option<State>,
) -> Result<i32, Error> {
    for _ in 0..3 {
        let mut part = tx.begin().await?;
        match apply(&mut part, action, jobs, state).await {
            Err(Error::Database(e)) if met_another(&e) => part.rollback().await?,
            other => {
                let applied = other?;
                part.commit().await?;
                return Ok(applied);
            }
        }
    }
    Ok(0)
}

/// The jobs whose turn it is, at most so many, and up to which number all have had it then.
async fn next(
    tx: &mut PgConnection,
    filter: &Filter,
    reached: i64,
    upto: i64,
    most: usize,
) -> Result<(Vec<i64>, i64), Error> {
    if let Some(ids) = filter.ids() {
        let part: Vec<i64> =
            ids.into_iter().filter(|id| *id > reached && *id <= upto).take(most).collect();
        let to = part.last().copied().filter(|_| part.len() == most).unwrap_or(upto);
        return Ok((matching(tx, filter, Some(&part), reached, to).await?, to));
    }
    let (began, mut jobs, mut after, mut width) = (Instant::now(), Vec::new(), reached, NARROW);
    while jobs.len() < most && after < upto && began.elapsed() < LOOK {
        let asked = Instant::now();
        let to = after.saturating_add(width).min(upto);
        let mut found = matching(tx, filter, None, after, to).await?;
        let room = most - jobs.len();
        after = to;
        if found.len() > room {
            found.truncate(room);
            after = found[room - 1];
        }
        jobs.append(&mut found);
        width =
            if asked.elapsed() < REST { (width * 2).min(WIDE) } else { (width / 2).max(NARROW) };
    }
    Ok((jobs, after))
}

async fn matching(
    tx: &mut PgConnection,
    filter: &Filter,
    ids: Option<&[i64]>,
    after: i64,
    to: i64,
) -> Result<Vec<i64>, Error> {
    let found = sqlx::query_scalar!(
        r#"select queue.matching_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as "id!""#,
        filter.state.map(State::as_str),
        filter.kind,
        filter.queue,
        filter.tag,
        filter.text(),
        filter.from,
        filter.to,
        ids,
        after,
        to,
    )
    .fetch_all(tx)
    .await?;
    Ok(found)
}
