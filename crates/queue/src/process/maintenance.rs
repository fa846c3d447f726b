//! Keeps history foldable and prunable: deltas into buckets, partitions ahead, old events away.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::{Error, event};

const FOLD: Duration = Duration::from_secs(1);
/// In folds.
const PARTITIONS_EVERY: u64 = 3_600;
const EVENTS_EVERY: u64 = 600;
const SWEEP_EVERY: u64 = 60;

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut round = 0_u64;
    let mut swept = 0_i64;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(FOLD) => {}
        }
        round += 1;
        if let Err(e) = maintain(&shared, round, &mut swept).await {
            tracing::debug!("maintenance, trying again: {e}");
        }
    }
    // What this process moved last is folded by it, if it can.
    fold(&shared).await.ok();
}

/// `swept`: how far the sweep over jobs that wait for others has come.
async fn maintain(shared: &Shared, round: u64, swept: &mut i64) -> Result<(), Error> {
    fold(shared).await?;
    sqlx::query!("select queue.fold_keys()").fetch_one(&shared.pool).await?;
    if round.is_multiple_of(SWEEP_EVERY) {
        let step = sqlx::query_scalar!("select queue.sweep_pending($1)", *swept);
        *swept = step.fetch_one(&shared.pool).await?.unwrap_or(0);
    }
    if round.is_multiple_of(EVENTS_EVERY) {
        event::prune(&shared.pool).await?;
    }
    if round.is_multiple_of(PARTITIONS_EVERY) {
        sqlx::query!("select queue.make_partitions()").execute(&shared.pool).await?;
    }
    Ok(())
}

async fn fold(shared: &Shared) -> Result<(), Error> {
    sqlx::query!("select queue.fold()").fetch_one(&shared.pool).await?;
    Ok(())
}
