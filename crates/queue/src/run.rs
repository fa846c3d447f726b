//! Calls a handler with its attempt: the smallest worker there is.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;

use crate::{ArgsError, Attempt, Failure, Handlers, Outcome, Process, Verdict};

/// How long a handler that is told to stop may take to do so by itself.
const HEED: Duration = Duration::from_secs(5);

impl<C: Clone + Send + Sync + 'static> Handlers<C> {
    /// Runs the attempt's kind and says how it ended: a panic, a run longer than the kind allows,
    /// and arguments that do not fit it are outcomes as well. A handler that is told to stop
    /// ([`Attempt::cancelled`]) has five seconds, then it is dropped at its next `await`. The
    /// outcome is yours to report with [`Attempt::settle`]. A kind that is not among these is
    /// [`Outcome::Released`], and claimed again at once by whoever claims it: hand in attempts of
    /// these kinds only.
    pub async fn run(&self, attempt: &Arc<Attempt>) -> Outcome {
        let Some(handler) = self.get(attempt.kind()) else {
            return Outcome::Released;
        };
        // The call is inside: a handler may panic before it returns its future.
        let run = AssertUnwindSafe(async { handler(Arc::clone(attempt)).await }).catch_unwind();
        let told_to_stop = async {
            attempt.cancelled().cancelled().await;
            tokio::time::sleep(HEED).await;
        };
        let ended = tokio::select! {
            ended = run => match ended {
                Ok(Ok(())) => Outcome::Complete,
                Ok(Err(failure)) => self.failed(attempt, failure),
                Err(panic) => Outcome::Panicked(panic_text(&*panic)),
            },
            () = tokio::time::sleep(attempt.timeout()) => Outcome::TimedOut,
            () = told_to_stop => Outcome::Released,
        };
        if attempt.cancelled().is_cancelled() { stopped(attempt, ended) } else { ended }
    }

    /// A failure for good whose arguments do not fit the kind is not the handler's.
    fn failed(&self, attempt: &Attempt, failure: Failure) -> Outcome {
        if failure.verdict == Verdict::Discard
            && let Err(misfit @ ArgsError::Invalid { .. }) =
                self.registry().check(attempt.kind(), attempt.args())
        {
            return Outcome::Undecodable(misfit.to_string());
        }
        Outcome::Failed(failure)
    }
}

/// A handler that fails when it is told to stop fails because of it, and that spends no attempt.
fn stopped(attempt: &Attempt, ended: Outcome) -> Outcome {
    match ended {
        Outcome::Complete => Outcome::Complete,
        _ if attempt.called_off() => Outcome::Cancelled,
        Outcome::Failed(Failure { verdict: Verdict::Retry { .. }, .. }) => Outcome::Released,
        other => other,
    }
}

pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

impl Process {
    /// Works a queue with these handlers until [`Process::close`], each attempt on a tokio task of
    /// its own. Jobs of kinds that they do not have are left in the queue. To be called once for a
    /// queue: all kinds of a queue share one context. For more than this (layers, metrics, a
    /// supervisor) take [`Process::subscribe`].
    ///
    /// # Panics
    /// If the process was not configured for the queue.
    pub fn work<C: Clone + Send + Sync + 'static>(&self, queue: &str, handlers: Arc<Handlers<C>>) {
        let attempts = self.fetch(queue, handlers.registry());
        let mut attempts = attempts.unwrap_or_else(|why| panic!("{why}"));
        tokio::spawn(async move {
            while let Some(attempt) = attempts.recv().await {
                let handlers = Arc::clone(&handlers);
                tokio::spawn(async move {
                    let outcome = handlers.run(&attempt).await;
                    attempt.settle(outcome);
                });
            }
        });
    }
}
