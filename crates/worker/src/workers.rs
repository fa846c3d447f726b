//! The apalis workers of a process, under one monitor.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use apalis::prelude::{Monitor, WorkerBuilder};
use bellwether_queue::{Attempt, CANCEL_GRACE, Handlers, Process};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Error, backend::Claims, claim::Claim, observe};

/// Time to write the last reports when the whole grace is spent.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);

/// One worker for each queue of a process. Dropped, it aborts what runs, and every attempt that it
/// was given goes back to its queue.
pub struct Workers {
    monitor: Monitor,
    /// Fires when any worker has ended, however it did.
    ended: CancellationToken,
}

impl Workers {
    /// Subscribes to the queues.
    pub fn new(process: &Process, queues: &[String], handlers: &Arc<Handlers>) -> Self {
        let mut workers = Self { monitor: Monitor::new(), ended: Default::default() };
        for queue in queues {
            workers = workers.with(queue, process.subscribe(queue), handlers);
        }
        workers
    }

    fn with(
        self,
        queue: &str,
        attempts: mpsc::Receiver<Arc<Attempt>>,
        handlers: &Arc<Handlers>,
    ) -> Self {
        let Self { monitor, ended } = self;
        let name = queue.to_owned();
        let handlers = Arc::clone(handlers);
        // The monitor calls this once: it would again only to restart a worker, and none is.
        let claims = Mutex::new(Some(Claims::new(attempts, ended.clone().drop_guard())));
        let monitor = monitor.register(move |_| {
            let claims = claims.lock().unwrap_or_else(PoisonError::into_inner).take();
            let handlers = Arc::clone(&handlers);
            WorkerBuilder::new(name.as_str())
                .backend(claims.unwrap_or_else(Claims::none))
                .build(move |claim: Arc<Claim>| observe::run(Arc::clone(&handlers), claim))
        });
        Self { monitor, ended }
    }

    /// Works until `shutdown` fires or a worker ends by itself, then drains the process within
    /// `grace` and closes it.
    pub async fn run(
        self,
        process: &Process,
        shutdown: CancellationToken,
        grace: Duration,
    ) -> Result<(), Error> {
        let Self { monitor, ended } = self;
        let mut monitor = Box::pin(monitor.run());
        let mut result = None;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = ended.cancelled() => tracing::error!("a worker ended early: draining the others"),
            ended = &mut monitor => result = Some(ended),
        }
        let early = !shutdown.is_cancelled();

        // The last part of the grace is for handlers that stop when they are told to.
        let close = process.close(grace.saturating_sub((2 * CANCEL_GRACE).min(grace / 4)));
        let closed = if result.is_some() {
            close.await
        } else {
            let (closed, ended) = tokio::join!(close, &mut monitor);
            result = Some(ended);
            closed
        };

        if let Some(Err(error)) = result {
            return Err(Error::Broken(Box::new(error)));
        }
        if early {
            return Err(Error::EndedEarly);
        }
        Ok(closed?)
    }
}
