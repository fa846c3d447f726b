//! The apalis workers of a process, under one monitor.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use apalis::prelude::{Monitor, ParallelizeExt, WorkerBuilder};
use bellwether_queue::{Attempt, Handlers, Process};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument;

use crate::{
    Error,
    backend::Claims,
    call::call,
    claim::Claim,
    stop::{MOMENT, StopLayer},
};

/// Time to write the last reports when the whole grace is spent.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);

/// One worker for each queue of a process. Dropped, it aborts what runs, and every attempt that it
/// was given goes back to its queue.
pub struct Workers {
    monitor: Monitor,
    /// Tells every attempt to stop.
    closing: CancellationToken,
    /// Fires when any worker has ended, however it did.
    ended: CancellationToken,
}

impl Workers {
    /// Subscribes to the queues.
    pub fn new<C>(process: &Process, queues: &[String], handlers: &Arc<Handlers<C>>) -> Self
    where
        C: Clone + Send + Sync + 'static,
    {
        let mut workers = Self {
            monitor: Monitor::new(),
            closing: Default::default(),
            ended: Default::default(),
        };
        for queue in queues {
            workers = workers.with(queue, process.subscribe(queue), handlers);
        }
        workers
    }

    fn with<C>(
        self,
        queue: &str,
        attempts: mpsc::Receiver<Arc<Attempt>>,
        handlers: &Arc<Handlers<C>>,
    ) -> Self
    where
        C: Clone + Send + Sync + 'static,
    {
        let Self { monitor, closing, ended } = self;
        let name = queue.to_owned();
        let handlers = Arc::clone(handlers);
        let stop = StopLayer::new(closing.clone());
        // The monitor calls this once: it would again only to restart a worker, and none is.
        let claims = Mutex::new(Some(Claims::new(attempts, ended.clone().drop_guard())));
        let monitor = monitor.register(move |_| {
            let claims = claims.lock().unwrap_or_else(PoisonError::into_inner).take();
            let handlers = Arc::clone(&handlers);
            WorkerBuilder::new(name.as_str())
                .backend(claims.unwrap_or_else(Claims::none))
                .layer(stop.clone())
                .parallelize(spawn)
                .build(move |claim: Arc<Claim>| call(&handlers, claim))
        });
        Self { monitor, closing, ended }
    }

    /// Works until `shutdown` fires or a worker ends by itself, then drains the process within
    /// `grace` and closes it.
    pub async fn run(
        self,
        process: &Process,
        shutdown: CancellationToken,
        grace: Duration,
    ) -> Result<(), Error> {
        let Self { monitor, closing, ended } = self;
        let mut monitor = Box::pin(monitor.run());
        let mut result = None;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = ended.cancelled() => tracing::error!("a worker ended early: draining the others"),
            ended = &mut monitor => result = Some(ended),
        }
        let early = !shutdown.is_cancelled();

        process.stop_claiming();
        let deadline = Instant::now() + grace;
        if result.is_none() {
            // The last moment of the grace is for handlers that heed their token.
            let last_call = deadline - MOMENT.min(grace / 4);
            result = tokio::time::timeout_at(last_call, &mut monitor).await.ok();
        }
        if result.is_none() {
            tracing::warn!("the grace is running out: telling jobs to stop");
            closing.cancel();
            result = tokio::time::timeout_at(deadline, &mut monitor).await.ok();
        }
        // Aborts what still runs; each job goes back once its handler is gone.
        drop(monitor);
        let left = deadline.saturating_duration_since(Instant::now());
        let closed = process.close(left.max(FLUSH)).await;

        if let Some(Err(error)) = result {
            return Err(Error::Broken(Box::new(error)));
        }
        if early {
            return Err(Error::EndedEarly);
        }
        Ok(closed?)
    }
}

/// A tokio task that is aborted when its handle is dropped: a detached one would outlive its
/// timeout.
fn spawn<F>(run: F) -> AbortOnDropHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(run.in_current_span()))
}
