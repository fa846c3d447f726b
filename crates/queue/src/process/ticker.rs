//! Makes the ticks of every schedule. Every process tries; the tick's row admits one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::schedule::{self, Silent};

const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Arc<Shared>, claiming: CancellationToken, stop: CancellationToken) {
    let mut silent = BTreeMap::new();
    loop {
        tokio::select! {
            () = claiming.cancelled() => return,
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        match schedule::tick(&shared.pool, &shared.registry).await {
            Ok(now) => {
                tell(&silent, &now);
                silent = now;
            }
            Err(e) => tracing::debug!("schedules, trying again: {e}"),
        }
    }
}

/// Once for each schedule and reason, not once a second.
fn tell(before: &BTreeMap<String, Silent>, now: &BTreeMap<String, Silent>) {
    for (schedule, why) in now {
        match why {
            _ if before.get(schedule) == Some(why) => {}
            Silent::Unknown(kind) => {
                tracing::info!(schedule, kind, "left to processes that know its kind");
            }
            Silent::Failed(reason) => {
                tracing::warn!(schedule, "makes no ticks, trying again: {reason}");
            }
        }
    }
}
