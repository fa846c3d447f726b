//! What people may do to jobs and queues while they run.

use sqlx::PgExecutor;

pub use crate::retention::{Pruned, Retention, prune};
use crate::{Error, JobId, State};

/// What a command by id did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Commanded {
    /// It took effect; the job's state now. A running job that was called off is still `Running`
    /// until its handler has stopped.
    Done(State),
    /// The job is in a state that the command does not apply to.
    NotApplicable(State),
    /// There is no such job.
    NotFound,
}

/// Calls a job off: a waiting one ends as `cancelled` at once, a running one is told to stop.
pub async fn cancel(db: impl PgExecutor<'_>, id: JobId) -> Result<Commanded, Error> {
    let row = sqlx::query!(
        r#"select state as "state!", applied as "applied!" from queue.cancel_v1($1, 'called off')"#,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(commanded(row.map(|r| (r.state, r.applied))))
}

/// Makes a scheduled, retryable, completed, discarded or cancelled job available now, with one more
/// attempt if its attempts are spent, and a pending one without waiting any longer. A job whose unique
/// key a newer job holds is not applicable.
pub async fn retry(db: impl PgExecutor<'_>, id: JobId) -> Result<Commanded, Error> {
    let row = sqlx::query!(
        r#"select state as "state!", applied as "applied!" from queue.retry_v1($1)"#,
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

/// Lets a paused queue's jobs be claimed again.
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

/// Sets how many attempts each process runs at a time, at most 1,000: more is taken for that. Takes
/// effect within 2 s. `None`: as each process was started. `false`: no such queue.
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

/// Sets how many attempts run on all processes together; takes effect within 2 s, attempts under way
/// go on. `None`: any number. `false`: no such queue.
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
