//! A queue's claimed attempts, as apalis polls them.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll, ready},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::FinalizeBackend},
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::context::WorkerContext,
};
use bellwether_queue::Attempt;
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::DropGuard;
use tower::layer::util::Identity;

use crate::claim::Claim;

/// Never fails and never waits for anything but the queue's channel.
pub(crate) struct Claims {
    /// `None` once it has ended.
    attempts: Option<mpsc::Receiver<Arc<Attempt>>>,
    /// Tells that this worker has ended, however it did: apalis' monitor reports an error only
    /// when the last worker has ended.
    _ended: Option<DropGuard>,
}

impl Claims {
    pub(crate) fn new(attempts: mpsc::Receiver<Arc<Attempt>>, ended: DropGuard) -> Self {
        Self { attempts: Some(attempts), _ended: Some(ended) }
    }

    /// No claims.
    pub(crate) fn none() -> Self {
        Self { attempts: None, _ended: None }
    }
}

impl Backend for Claims {
    type Task = Task<Arc<Claim>>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let Some(attempts) = &mut self.attempts else { return Poll::Ready(None) };
        let Some(attempt) = ready!(attempts.poll_recv(cx)) else {
            self.attempts = None;
            return Poll::Ready(None);
        };
        let id = TaskId::from_int(attempt.job().0.unsigned_abs());
        let claim = Arc::new(Claim::new(attempt));
        Poll::Ready(Some(Ok(TaskBuilder::new(claim).task_id(id).build())))
    }

    /// Comes once the last attempt has ended. Without the stop apalis would wait for one.
    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        if !worker.is_stopped()
            && let Err(error) = worker.stop()
        {
            tracing::debug!(%error, worker = worker.name(), "the worker had not begun");
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Claims {
    /// Gives back the attempts that the queue has handed out and that have not begun.
    fn drop(&mut self) {
        let Some(mut attempts) = self.attempts.take() else { return };
        attempts.close();
        while let Ok(attempt) = attempts.try_recv() {
            drop(Claim::new(attempt));
        }
        // A sender that holds a slot of the channel may still use it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                while let Some(attempt) = attempts.recv().await {
                    drop(Claim::new(attempt));
                }
            });
        }
    }
}

impl BackendConfig for Claims {
    type Args = Arc<Claim>;
    type Id = u64;
    type Kind = AsClaimed;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}

/// Hands attempts on as they are. apalis' own durable kind decodes arguments while it polls, and
/// arguments that do not decode end the worker; here they are the handler's to decode.
pub(crate) struct AsClaimed;

impl FinalizeBackend<Claims, Arc<Claim>> for AsClaimed {
    type Backend = Claims;

    fn finalize(current: Claims) -> Claims {
        current
    }
}
