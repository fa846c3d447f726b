//! Runs the queue's jobs on apalis: one process, one apalis worker a queue, one monitor over them.
//!
//! The queue claims, beats and reports in tasks of its own; what apalis polls here is a channel.
//! So a saturated, draining or broken worker never stops a heartbeat, and an outage of the
//! database never ends a worker.
//!
//! An attempt passes these layers, outermost first:
//!
//! 1. `report`: opens the span `job`, and reports how the attempt ended. It is the backend's own
//!    middleware, the outermost place that apalis has, so that it sees every ending.
//! 2. `stop`: ends an attempt that has run out of time or was told to stop.
//! 3. apalis' `parallelize`: a tokio task for each attempt, aborted when nobody waits for it.
//! 4. `call`: the kind's handler; a panic is caught here, inside that task.
//!
//! Nothing limits concurrency here: a queue hands out no more attempts than it has free slots.

mod backend;
mod call;
mod claim;
mod ending;
mod error;
mod report;
mod stop;
mod workers;

use std::{sync::Arc, time::Duration};

use bellwether_queue::{Config, Handlers, Process};
use tokio_util::sync::CancellationToken;

pub use error::Error;
pub use workers::Workers;

/// Works the configured queues until `shutdown` fires, then drains: nothing more is claimed, what
/// runs has `grace` to finish, what is left goes back to its queue without spending an attempt,
/// and every report is written before this returns.
///
/// Only the kinds that `handlers` has are claimed, whatever `config.registry` says.
///
/// An error means that work ended before it was told to. What was under way has then been drained
/// in the same manner.
///
/// Dropped before its end, it aborts what runs; the jobs go back to their queues in the background,
/// as long as the tokio runtime lives.
pub async fn run<C>(
    mut config: Config,
    handlers: Arc<Handlers<C>>,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), Error>
where
    C: Clone + Send + Sync + 'static,
{
    config.registry = handlers.registry().clone();
    let queues: Vec<String> = config.queues.iter().map(|queue| queue.name.clone()).collect();
    let process = Owned(Some(Process::start(config).await?));
    let workers = Workers::new(process.get(), &queues, &handlers);
    let result = workers.run(process.get(), shutdown, grace).await;
    process.closed();
    result
}

/// A process that is closed even if nobody waits for it any more.
struct Owned(Option<Process>);

impl Owned {
    fn get(&self) -> &Process {
        self.0.as_ref().expect("only `closed` and `drop` take it")
    }

    fn closed(mut self) {
        self.0 = None;
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Some(process) = self.0.take() else { return };
        process.stop_claiming();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = process.close(workers::FLUSH).await {
                    tracing::warn!(%error, "the process was not deregistered; its peers will do it");
                }
            });
        }
    }
}
