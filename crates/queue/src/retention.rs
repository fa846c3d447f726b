//! History past its time goes: whole days at once, the rest in steps that wait for nobody.

use std::time::Duration;

use tokio::time::Instant;

use crate::{Db, Error};

/// Rows of each sort in one step.
const STEP: i32 = 5_000;
/// A day that somebody is reading is tried this often, and left for the next time after that.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(300);
/// Between two steps of clearing a day.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// How long history is kept. The default: a week, and what failed 30 days.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Days that completed jobs are kept, at least 1.
    pub completed_days: u16,
    /// Days that discarded and cancelled jobs and attempts are kept, at least 1.
    pub failed_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { completed_days: 7, failed_days: 30 }
    }
}

/// What pruning removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Pruned {
    /// Days that left history.
    pub partitions: i64,
    /// Jobs cleared away, those of days that an earlier call took out included.
    pub jobs: i64,
}

/// Prunes history past its time. A day leaves it at once, however many jobs it holds: from then on
/// they are not found and their unique keys are free. What belonged to them (arguments, attempts,
/// edges, their part of the counts) is cleared afterwards, a few thousand jobs at a time. Then minutes,
/// ticks, ended processes and bulk commands, batches, the audit of more than 400 days ago, the ledger's
/// rows that no window can reach any more, and limit keys that no lane names and nobody has used for 35
/// days.
///
/// Nothing is pruned unless this is called: once a day, for example by a job on a schedule. Two calls
/// at once do no harm.
///
/// Each step is a transaction of its own and may be repeated or broken off anywhere. None waits for a
/// lock that claims or completions hold for longer than 100 ms: what cannot be had is left for the
/// next time.
pub async fn prune(pool: &Db, retention: Retention) -> Result<Pruned, Error> {
    let completed = i32::from(retention.completed_days.max(1));
    let failed = i32::from(retention.failed_days.max(1));
    let mut pruned = Pruned::default();
    let expired =
        sqlx::query_scalar!(r#"select queue.expired_v1($1, $2) as "name!""#, completed, failed)
            .fetch_all(pool)
            .await?;
    for name in expired {
        pruned.partitions += i64::from(detach_day(pool, &name).await?);
    }
    let gone = sqlx::query_scalar!("select name from queue.gone order by gone_at, name")
        .fetch_all(pool)
        .await?;
    for name in gone {
        pruned.jobs += clear_day(pool, &name).await?;
    }
    loop {
        let step = sqlx::query!(
            r#"select jobs as "jobs!", more as "more!" from queue.prune_v2($1, $2, $3)"#,
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

/// Whether the day has left history; if not, somebody is using it.
async fn detach_day(pool: &Db, name: &str) -> Result<bool, Error> {
    for attempt in 1..=TRIES {
        let detached =
            sqlx::query_scalar!(r#"select queue.detach_day_v1($1) as "detached!""#, name)
                .fetch_one(pool)
                .await?;
        if detached {
            return Ok(true);
        }
        if attempt < TRIES {
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }
    tracing::info!(partition = name, "somebody is reading it; it goes next time");
    Ok(false)
}

/// Clears what belonged to the jobs of a day that has left history, as far as nobody is in the way.
/// Returns how many jobs that were. It rests as long as it works: nothing waits for it.
async fn clear_day(pool: &Db, name: &str) -> Result<i64, Error> {
    let mut cleared = 0;
    loop {
        let began = Instant::now();
        let step = sqlx::query!("select jobs, more from queue.clear_day_v1($1)", name)
            .fetch_one(pool)
            .await?;
        cleared += step.jobs.unwrap_or(0);
        match step.more {
            Some(true) => tokio::time::sleep(began.elapsed().min(LONGEST_REST)).await,
            Some(false) => return Ok(cleared),
            None => {
                tracing::info!(partition = name, "somebody is using it; it is cleared next time");
                return Ok(cleared);
            }
        }
    }
}
