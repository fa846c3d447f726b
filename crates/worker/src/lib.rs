//! Runs the queue's jobs on apalis: one process, one apalis worker a queue, one monitor over them.
//!
//! The queue claims, beats and reports in tasks of its own; what apalis polls here is a channel.
//! So a saturated, draining or broken worker never stops a heartbeat, and an outage of the
//! database never ends a worker.
//!
//! The queue runs each handler ([`Handlers::run`]): timeout, cancellation, panics and outcomes are
//! decided there, for this crate and for [`bellwether_queue::Worker`] alike. Here an attempt gets its
//! span, its log line and its metrics.

mod backend;
mod claim;
mod error;
mod observe;
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
pub async fn run(
    mut config: Config,
    handlers: Arc<Handlers>,
    shutdown: CancellationToken,
    grace: Duration,
) -> Result<(), Error> {
    config.registry = handlers.registry().clone();
    let queues: Vec<String> = config.queues.iter().map(|queue| queue.name.clone()).collect();
    let process = Owned(Some(Process::start(config).await?));
    let workers = Workers::new(process.get(), &queues, &handlers);
    let result = workers.run(process.get(), shutdown, grace).await;
    process.closed();
    result
}

/// A process that is closed even if its future is dropped.
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
