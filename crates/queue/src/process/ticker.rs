//! Makes the ticks of every schedule. Every process tries; the tick's row admits one.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::shared::Shared;
use crate::schedule;

const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Arc<Shared>, claiming: CancellationToken, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = claiming.cancelled() => return,
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
        if let Err(e) = schedule::tick(&shared.pool, &shared.registry).await {
            tracing::debug!("schedules, trying again: {e}");
        }
    }
}
