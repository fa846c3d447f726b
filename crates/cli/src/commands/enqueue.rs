//! `bellwether enqueue`: adds a job, prints its id, and may follow it to its end.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use anyhow::bail;
use bellwether_queue::{JobId, State, inspect, schedule};
use sqlx::PgPool;

use crate::{
    args::{EnqueueArgs, Wait},
    database::Database,
};

const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: EnqueueArgs) -> anyhow::Result<bool> {
    let mut job = bellwether_jobs::registry().job(&args.kind, args.args.clone())?;
    let database = Database::open(&args.database).await?;
    let result = async {
        database.check_schema().await?;
        if let Some(period) = args.slot {
            if period < Duration::from_secs(1) {
                bail!("a slot lasts at least a second");
            }
            let now = schedule::now(&database.pool).await?;
            job.unique_key = Some(schedule::slot_key(period, now));
        }
        if let Some(key) = &args.unique_key {
            job.unique_key = Some(key.clone());
        }
        job.due_at = args.at;
        let mut conn = database.pool.acquire().await?;
        let added = bellwether_queue::add(&mut conn, &job).await?;
        drop(conn);
        println!("{}", added.id);
        if added.duplicate {
            tracing::info!(job.id = %added.id, "the job was there already");
        }
        match args.wait {
            None => Ok(true),
            Some(Wait::Job) => follow(&database.pool, added.id).await,
            Some(Wait::Batch) => follow_family(&database.pool, added.id).await,
        }
    }
    .await;
    database.close().await?;
    result
}

/// Whether the job completed.
async fn follow(pool: &PgPool, id: JobId) -> anyhow::Result<bool> {
    loop {
        let Some(found) = inspect::find(pool, id).await? else {
            bail!("job {id} is gone");
        };
        let job = found.job;
        if job.state.is_final() {
            if job.state != State::Completed {
                tracing::error!(job.id = %id, "{} is {}: {}", job.kind, job.state, job.error.unwrap_or_default());
            }
            return Ok(job.state == State::Completed);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether the job and everything it led to completed.
async fn follow_family(pool: &PgPool, id: JobId) -> anyhow::Result<bool> {
    let mut all_completed = true;
    let mut seen = HashSet::from([id]);
    let mut waiting = VecDeque::from([id]);
    while let Some(id) = waiting.pop_front() {
        all_completed &= follow(pool, id).await?;
        let Some(found) = inspect::find(pool, id).await? else { continue };
        waiting.extend(found.children.into_iter().filter(|child| seen.insert(*child)));
    }
    Ok(all_completed)
}
