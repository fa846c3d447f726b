//! `bellwether enqueue`: adds a job, prints its id, and may follow it to its end.

use std::time::Duration;

use anyhow::bail;
use bellwether_queue::{
    Db, JobId, State,
    inspect::{self, Family},
    schedule, trace,
};
use tracing::{Instrument, field::Empty};

use crate::{
    args::{EnqueueArgs, Wait},
    database::Database,
    out::say,
};

const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: EnqueueArgs) -> anyhow::Result<bool> {
    let mut job = bellwether_jobs::registry().job(&args.kind, args.args.clone())?;
    let database = Database::open(&args.database).await?;
    let result = async {
        database.check_schema().await?;
        if let Some(period) = args.slot {
            let now = schedule::now(&database.pool).await?;
            job.unique_key = Some(schedule::slot_key(period, now));
        }
        if let Some(key) = &args.unique_key {
            job.unique_key = Some(key.clone());
        }
        job.due_at = args.at;
        let mut tx = database.pool.begin().await?;
        let span = tracing::info_span!(
            "enqueue",
            otel.kind = "producer",
            job.kind = job.kind,
            trace_id = Empty
        );
        let add = bellwether_queue::add(&mut tx, &job);
        let added = trace::within(trace::place(&span, None), add).instrument(span).await?;
        tx.commit().await?;
        say!("{}", added.id)?;
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
async fn follow(pool: &Db, id: JobId) -> anyhow::Result<bool> {
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

/// Whether the job and everything it led to completed, children of children included.
async fn follow_family(pool: &Db, id: JobId) -> anyhow::Result<bool> {
    let mut family = Family::of(id);
    let mut told = 0;
    loop {
        if !family.look(pool).await? {
            bail!("job {id} is gone");
        }
        let (ended, total) = (family.ended(), family.total());
        if ended > told {
            told = ended;
            tracing::info!(job.id = %id, "{ended} of {total} jobs have ended");
        }
        if family.is_over() {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    for failed in family.failures() {
        let error = failed.error.as_deref().unwrap_or_default();
        tracing::error!(job.id = %failed.id, "{} is {}: {error}", failed.kind, failed.state);
    }
    Ok(family.failures().is_empty())
}
