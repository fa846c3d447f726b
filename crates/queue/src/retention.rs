//! History past its time goes: whole days at once, the rest in steps that wait for nobody.

use std::time::Duration;

use crate::{Db, Error};

/// Rows of each sort in one step.
const STEP: i32 = 5_000;
/// A day that somebody is reading is tried this often, and left for the next time after that.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(300);

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

/// Drops history past its time, whole days at once, and with it unique keys, arguments, attempts,
/// edges and batches; then minutes, ticks, ended processes and bulk commands, the audit of more than
/// 400 days ago, the ledger's rows that no window can reach any more, and limit keys that no lane names
/// and nobody has used for 35 days.
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
        if let Some(jobs) = drop_day(pool, &name).await? {
            pruned.partitions += 1;
            pruned.jobs += jobs;
        }
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

/// How many jobs the day held; `None`: somebody is using it.
async fn drop_day(pool: &Db, name: &str) -> Result<Option<i64>, Error> {
    for attempt in 1..=TRIES {
        let jobs =
            sqlx::query_scalar!("select queue.drop_day_v1($1)", name).fetch_one(pool).await?;
        if jobs.is_some() {
            return Ok(jobs);
        }
        if attempt < TRIES {
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }
    tracing::info!(partition = name, "somebody is reading it; it is dropped next time");
    Ok(None)
}
