//! What people may do to jobs and queues while they run.

use sqlx::PgPool;

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
pub async fn cancel(pool: &PgPool, id: JobId) -> Result<Commanded, Error> {
    let row = sqlx::query!(
        r#"select state as "state!", applied as "applied!" from queue.cancel_v1($1, 'called off')"#,
        id.0
    )
    .fetch_optional(pool)
    .await?;
    Ok(commanded(row.map(|r| (r.state, r.applied))))
}

/// Makes a scheduled, retryable, completed, discarded or cancelled job available now, with one more
/// attempt if its attempts are spent. A job whose unique key a newer job holds is not applicable.
pub async fn retry(pool: &PgPool, id: JobId) -> Result<Commanded, Error> {
    let row = sqlx::query!(
        r#"select state as "state!", applied as "applied!" from queue.retry_v1($1)"#,
        id.0
    )
    .fetch_optional(pool)
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
pub async fn pause(pool: &PgPool, queue: &str) -> Result<bool, Error> {
    set_paused(pool, queue, true).await
}

/// Lets a paused queue's jobs be claimed again.
pub async fn resume(pool: &PgPool, queue: &str) -> Result<bool, Error> {
    set_paused(pool, queue, false).await
}

async fn set_paused(pool: &PgPool, queue: &str, paused: bool) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"with q as (update queue.queue set paused = $2 where name = $1 returning name)
        select queue.wake(array[q.name]) is null as "done!" from q"#,
        queue,
        paused
    )
    .fetch_optional(pool)
    .await?;
    Ok(done.is_some())
}

/// Sets how many attempts each process runs at a time; takes effect within 2 s. `None`: as each
/// process was started. `false`: no such queue.
pub async fn set_concurrency(
    pool: &PgPool,
    queue: &str,
    concurrency: Option<u16>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update queue.queue set concurrency = $2 where name = $1",
        queue,
        concurrency.map(|n| n.min(1_000) as i16)
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How long history is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Days that completed jobs are kept, at least 1.
    pub completed_days: u16,
    /// Days that discarded and cancelled jobs and attempts are kept, at least 1.
    pub failed_days: u16,
}

/// What pruning removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Pruned {
    pub partitions: i64,
    pub jobs: i64,
}

/// Drops history past its time, whole days at once, and with it unique keys, arguments, ticks and
/// the ledger's rows that no window can reach any more.
pub async fn prune(pool: &PgPool, retention: Retention) -> Result<Pruned, Error> {
    let completed = i32::from(retention.completed_days.max(1));
    let failed = i32::from(retention.failed_days.max(1));
    let mut pruned = Pruned::default();
    let expired =
        sqlx::query_scalar!(r#"select queue.expired_v1($1, $2) as "name!""#, completed, failed)
            .fetch_all(pool)
            .await?;
    for name in expired {
        let jobs =
            sqlx::query_scalar!("select queue.drop_day_v1($1)", name).fetch_one(pool).await?;
        if let Some(jobs) = jobs {
            pruned.partitions += 1;
            pruned.jobs += jobs;
        }
    }
    pruned.jobs +=
        sqlx::query_scalar!(r#"select queue.prune_v1($1, $2) as "n!""#, completed, failed)
            .fetch_one(pool)
            .await?;
    Ok(pruned)
}
