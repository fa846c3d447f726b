//! Ends an attempt that has run out of time or was told to stop.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis_core::task::Task;
use bellwether_queue::Outcome;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use crate::{
    claim::Claim,
    ending::{self, BoxError, Ending},
};

/// How long a handler that was told to stop may take to do so by itself, and how long an aborted
/// one may take to reach its next await.
pub(crate) const MOMENT: Duration = Duration::from_secs(2);

/// Stands between the report and the handler's tokio task.
#[derive(Clone)]
pub(crate) struct StopLayer {
    closing: CancellationToken,
}

impl StopLayer {
    /// `closing` tells every attempt to stop.
    pub(crate) fn new(closing: CancellationToken) -> Self {
        Self { closing }
    }
}

impl<S> Layer<S> for StopLayer {
    type Service = Stop<S>;

    fn layer(&self, inner: S) -> Stop<S> {
        Stop { inner, closing: self.closing.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct Stop<S> {
    inner: S,
    closing: CancellationToken,
}

impl<S> Service<Task<Arc<Claim>>> for Stop<S>
where
    S: Service<Task<Arc<Claim>>, Response = ()>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<(), BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Arc<Claim>>) -> Self::Future {
        let claim = Arc::clone(&task.args);
        let run = self.inner.call(task);
        let closing = self.closing.clone();
        Box::pin(async move {
            let run = async { ending::outcome(run.await.map_err(Into::into)) };
            match watch(&claim, run, &closing).await {
                Outcome::Complete => Ok(()),
                other => Err(Ending(other).into()),
            }
        })
    }
}

/// Dropping `run` aborts the handler's tokio task.
async fn watch(
    claim: &Claim,
    run: impl Future<Output = Outcome> + Send,
    closing: &CancellationToken,
) -> Outcome {
    let attempt = claim.attempt();
    let told = attempt.cancelled();
    let mut run = Box::pin(run);
    let late = tokio::select! {
        biased;
        outcome = &mut run => {
            return if told.is_cancelled() { ending::after_stop(attempt, outcome) } else { outcome };
        }
        () = told.cancelled() => false,
        () = closing.cancelled() => {
            told.cancel();
            false
        }
        () = tokio::time::sleep(attempt.timeout()) => true,
    };
    if !late && let Ok(outcome) = tokio::time::timeout(MOMENT, &mut run).await {
        return ending::after_stop(attempt, outcome);
    }
    drop(run);
    if !claim.stopped_within(MOMENT).await {
        tracing::error!(
            "the handler does not yield: it still runs while its job goes on elsewhere"
        );
    }
    if late { Outcome::TimedOut } else { ending::after_stop(attempt, Outcome::Released) }
}
