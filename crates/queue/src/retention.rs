//! Prunes expired history: drops whole-day partitions, deletes the rest in small batches that never
//! wait for a lock longer than 100 ms.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Db, Error};

/// Rows of each kind in one step.
const STEP: i32 = 5_000;
/// Tries to detach a day that another session uses, before it is left for the next call.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(300);
/// Longest rest between two steps of clearing a day.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// Retention periods. The default: 7 days for completed jobs, 30 days for failed ones.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Days for which completed jobs are kept, at least 1.
    pub completed_days: u16,
    /// Days for which discarded and cancelled jobs and attempts are kept, at least 1.
    pub failed_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { completed_days: 7, failed_days: 30 }
    }
}

/// Result of pruning.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Pruned {
    /// Days detached from history.
    pub partitions: i64,
    /// Jobs cleared, including those of days that an earlier call detached.
    pub jobs: i64,
}

/// Prunes expired history. A day is detached at once, however many jobs it holds: from then on its
/// jobs are not found and their unique keys are free. Their dependents (arguments, attempts, edges,
/// their part of the counts) are cleared afterwards, a few thousand jobs at a time. Then go
/// buckets, ticks, ended processes and bulk commands, batches, audit entries older than 400 days,
/// ledger rows that no window can reach, and limit keys that no lane names and that were not used
/// for 35 days.
///
/// Only this function prunes: call it once a day, for example by a job on a schedule. Concurrent
/// calls do no harm.
///
/// Each step is a transaction of its own, and may be repeated or interrupted. No step waits longer
/// than 100 ms for a lock that claims or completions hold: what is locked is left for the next
/// call.
pub async fn prune(pool: &Db, retention: Retention) -> Result<Pruned, Error> {
    let completed = i32::from(retention.completed_days.max(1));
    let failed = i32::from(retention.failed_days.max(1));
    let mut pruned = Pruned::default();
    let expired =
        sqlx::query_scalar!(r#"select queue.expired_days($1, $2) as "name!""#, completed, failed)
            .fetch_all(pool)
            .await?;
    for name in expired {
        pruned.partitions += i64::from(detach_day(pool, &name).await?);
    }
    let gone =
        sqlx::query_scalar!("select name from queue.detached_partition order by detached_at, name")
            .fetch_all(pool)
            .await?;
    for name in gone {
        pruned.jobs += clear_day(pool, &name).await?;
    }
    loop {
        let step = sqlx::query!(
            r#"select jobs as "jobs!", more as "more!" from queue.prune($1, $2, $3)"#,
            completed,
            failed,
            STEP
        )
        .fetch_one(pool)
        .await?;
        pruned.jobs += step.jobs;
        if !step.more {
            return Ok(pruned);
        }
    }
}

/// Detaches a day from history. Returns false if another session uses it.
async fn detach_day(pool: &Db, name: &str) -> Result<bool, Error> {
    for attempt in 1..=TRIES {
        let detached = sqlx::query_scalar!(r#"select queue.detach_day($1) as "detached!""#, name)
            .fetch_one(pool)
            .await?;
        if detached {
            return Ok(true);
        }
        if attempt < TRIES {
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }
    tracing::info!(
        partition = name,
        "the partition is in use by another session; the next prune will detach it"
    );
    Ok(false)
}

/// Clears the dependents of the jobs of a detached day, until all are cleared or another session
/// holds a lock. Returns the number of jobs. Rests as long as each step took: no caller waits for
/// it.
async fn clear_day(pool: &Db, name: &str) -> Result<i64, Error> {
    let mut cleared = 0;
    loop {
        let began = Instant::now();
        let step = sqlx::query!("select jobs, more from queue.clear_day($1)", name)
            .fetch_one(pool)
            .await?;
        cleared += step.jobs.unwrap_or(0);
        match step.more {
            Some(true) => tokio::time::sleep(began.elapsed().min(LONGEST_REST)).await,
            Some(false) => return Ok(cleared),
            None => {
                tracing::info!(
                    partition = name,
                    "the partition is locked by another session; the next prune will clear it"
                );
                return Ok(cleared);
            }
        }
    }
}
