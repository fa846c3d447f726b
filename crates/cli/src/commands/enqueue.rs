//! `bellwether enqueue`: adds a job, prints its id, and may follow it to its end.

use std::time::Duration;

use anyhow::bail;
use bellwether_queue::{
    Db, JobId, State,
    inspect::{self, Family},
    schedule, trace,
};
use tokio::time::Instant;
use tracing::{Instrument, field::Empty};

use crate::{
    args::{EnqueueArgs, Wait},
    database::Database,
    out::say,
};

const LOOK: Duration = Duration::from_millis(250);
/// Time after which the reason of a waiting job is printed first, and the interval of the later
/// lines.
const FIRST: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_secs(30);

pub(crate) async fn run(args: EnqueueArgs) -> anyhow::Result<bool> {
    let mut job = bellwether_jobs::registry().job(&args.kind, &args.args)?;
    let database = Database::existing(&args.database).await?;
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
        let add = bellwether_queue::enqueue(&mut *tx, job);
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

/// Follows a job to its end; returns true if it completed.
async fn follow(pool: &Db, id: JobId) -> anyhow::Result<bool> {
    let mut next = Instant::now() + FIRST;
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
        if Instant::now() >= next {
            next += AGAIN;
            tell_why(pool, id).await?;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Prints the reason why a job does not run, and its estimated start.
async fn tell_why(pool: &Db, id: JobId) -> anyhow::Result<()> {
    if let Some(why) = inspect::why(pool, id).await? {
        let start =
            why.estimated_start_at.map(|at| format!("; estimated start {}", at.format("%FT%TZ")));
        tracing::info!(job.id = %id, "still {}: {}{}", why.state, why.reason, start.unwrap_or_default());
    }
    Ok(())
}

/// Follows a job and everything that it led to, children of children included; returns true if all
/// completed.
async fn follow_family(pool: &Db, id: JobId) -> anyhow::Result<bool> {
    let mut family = Family::of(id);
    let mut told = 0;
    let mut next = Instant::now() + FIRST;
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
        if Instant::now() >= next {
            next += AGAIN;
            if let Some(waiting) = family.unfinished() {
                tell_why(pool, waiting).await?;
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    for failed in family.failures() {
        let error = failed.error.as_deref().unwrap_or_default();
        tracing::error!(job.id = %failed.id, "{} is {}: {error}", failed.kind, failed.state);
    }
    Ok(family.failures().is_empty())
}
