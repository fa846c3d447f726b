//! Commands of an operator to jobs and queues.

use sqlx::PgExecutor;

pub use crate::retention::{Pruned, Retention, prune};
use crate::{Error, JobId, State};

/// Result of a command to one job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Commanded {
    /// It took effect; the job's new state. A cancelled job that was running stays `Running` until
    /// its handler has stopped.
    Done(State),
    /// The command does not apply to the job's state.
    NotApplicable(State),
    /// There is no such job.
    NotFound,
}

/// Cancels a job: a waiting job ends as `cancelled` at once, the handler of a running job is told
/// to stop.
pub async fn cancel(db: impl PgExecutor<'_>, id: JobId) -> Result<Commanded, Error> {
    let row = sqlx::query!(
        r#"select state as "state!", applied as "applied!" from queue.cancel($1, 'cancelled')"#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(commanded(row.map(|r| (r.state, r.applied))))
}

/// Makes a scheduled, retryable, completed, discarded or cancelled job available now, with one more
/// attempt if its attempts are spent; a pending job no longer waits for others. A job that was
/// cancelled while it was pending waits again for those of its parents that have not ended. Not
/// applicable if a newer job holds the job's unique key.
pub async fn retry(db: impl PgExecutor<'_>, id: JobId) -> Result<Commanded, Error> {
    let row = sqlx::query!(
        r#"select state as "state!", applied as "applied!" from queue.retry($1)"#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(commanded(row.map(|r| (r.state, r.applied))))
}

fn commanded(row: Option<(String, bool)>) -> Commanded {
    match row {
        None => Commanded::NotFound,
        Some((state, applied)) => {
            let state = state.parse().expect("the queue's functions return the states' own names");
            if applied { Commanded::Done(state) } else { Commanded::NotApplicable(state) }
        }
    }
}

/// Stops claims from a queue on every process; `false`: no such queue.
pub async fn pause(db: impl PgExecutor<'_>, queue: &str) -> Result<bool, Error> {
    set_paused(db, queue, true).await
}

/// Allows claims from a paused queue again; `false`: no such queue.
pub async fn resume(db: impl PgExecutor<'_>, queue: &str) -> Result<bool, Error> {
    set_paused(db, queue, false).await
}

async fn set_paused(db: impl PgExecutor<'_>, queue: &str, paused: bool) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"with q as (update queue.queue set paused = $2 where name = $1 returning name)
        select queue.wake(array[q.name]) is null as "done!" from q"#,
        queue,
        paused
    )
    .fetch_optional(db)
    .await?;
    Ok(done.is_some())
}

/// Sets the number of attempts that each process runs at a time; more than 1,000 counts as 1,000.
/// `None`: as each process was started. Takes effect within 2 s. `false`: no such queue.
pub async fn set_concurrency(
    db: impl PgExecutor<'_>,
    queue: &str,
    concurrency: Option<u16>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update queue.queue set concurrency = $2 where name = $1",
        queue,
        concurrency.map(|n| n.min(1_000) as i16)
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Sets the most attempts that run on all processes together; `None`: no maximum. Takes effect
/// within 2 s; attempts under way continue. `false`: no such queue.
pub async fn set_cap(
    db: impl PgExecutor<'_>,
    queue: &str,
    cap: Option<u32>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"with q as (update queue.queue set cap = $2 where name = $1 returning name)
        select queue.wake(array[q.name]) is null as "done!" from q"#,
        queue,
        cap.map(|n| i32::try_from(n).unwrap_or(i32::MAX))
    )
    .fetch_optional(db)
    .await?;
    Ok(done.is_some())
}
