//! Moves the jobs that no longer wait for others: at once after a completion here, and every second
//! for processes that died between a completion and this step.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::Error;

const SWEEP: Duration = Duration::from_secs(1);
/// Children in one step, so that no lock is held for long.
const STEP: i32 = 1_000;
/// Children whose parents are looked at in one step.
const LOOKS: i32 = 100;
/// Steps in one go: a long chain of cancellations lets the sweep come between.
const STEPS: usize = 100;

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let result = tokio::select! {
            () = stop.cancelled() => break,
            () = shared.unblocked.notified() => release(&shared).await,
            _ = sweep.tick() => recheck(&shared).await,
        };
        if let Err(e) = result {
            tracing::debug!("waiting jobs, trying again: {e}");
        }
    }
    // What this process completed last is released by it, if it can.
    release(&shared).await.ok();
}

/// Releases what may be released now, and brings the batches' figures up to date.
pub(crate) async fn recheck(shared: &Shared) -> Result<(), Error> {
    for _ in 0..STEPS {
        let looked = sqlx::query_scalar!(r#"select queue.recheck_edges($1) as "n!""#, LOOKS)
            .fetch_one(&shared.pool)
            .await?;
        if looked < LOOKS {
            break;
        }
    }
    release(shared).await?;
    sqlx::query!("select queue.fold_batches()").fetch_one(&shared.pool).await?;
    Ok(())
}

async fn release(shared: &Shared) -> Result<(), Error> {
    for _ in 0..STEPS {
        let done = sqlx::query_scalar!(r#"select queue.release_unblocked($1) as "n!""#, STEP)
            .fetch_one(&shared.pool)
            .await?;
        if done == 0 {
            break;
        }
    }
    Ok(())
}
