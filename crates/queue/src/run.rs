//! Runs a handler with its attempt, and decides how the attempt ended.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinError,
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::{Attempt, Handlers, Outcome, Verdict, failure::panic_text, trace};

/// A handler that is told to stop has this long to do so by itself, and an aborted one this long to
/// reach its next `await`.
pub const CANCEL_GRACE: Duration = Duration::from_secs(2);

impl Handlers {
    /// Runs the attempt's kind on a tokio task of its own, inside the caller's span, and returns how it
    /// ended: a panic, a run longer than the kind allows, and arguments that do not fit it are
    /// outcomes as well. A handler that is told to stop ([`Attempt::cancelled`]) has [`CANCEL_GRACE`];
    /// then its task is aborted, as it is when this future is dropped. The caller reports the outcome
    /// with [`Attempt::finish`].
    ///
    /// A kind without a handler is [`Outcome::Released`], and claimed again at once: hand in attempts
    /// of these kinds only.
    pub async fn run(&self, attempt: &Arc<Attempt>) -> Outcome {
        let Some(handler) = self.get(attempt.kind()) else {
            tracing::error!(
                job.kind = attempt.kind(),
                "no handler for this kind; the job is released"
            );
            return Outcome::Released;
        };
        let (handler, own) = (Arc::clone(handler), Arc::clone(attempt));
        let place = trace::current();
        let work = async move {
            // The call is inside: a handler may panic before it returns its future.
            match place {
                Some(place) => trace::within(place, handler(own)).await,
                None => handler(own).await,
            }
        };
        let mut task = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
        let late = tokio::select! {
            biased;
            ended = &mut task => return outcome(attempt, ended),
            () = attempt.cancelled().cancelled() => false,
            () = sleep(attempt.timeout()) => true,
        };
        if !late && let Ok(ended) = timeout(CANCEL_GRACE, &mut task).await {
            return outcome(attempt, ended);
        }
        task.abort();
        if timeout(CANCEL_GRACE, &mut task).await.is_err() {
            tracing::error!(
                job.id = %attempt.job(),
                job.kind = attempt.kind(),
                "the handler does not yield: it still runs while its job goes on elsewhere"
            );
        }
        if late { Outcome::TimedOut } else { stopped(attempt, Outcome::Released) }
    }
}

fn outcome(attempt: &Attempt, ended: Result<Outcome, JoinError>) -> Outcome {
    let outcome = match ended {
        Ok(outcome) => outcome,
        Err(join) if join.is_panic() => Outcome::Panicked(panic_text(&*join.into_panic())),
        // the runtime is shutting down
        Err(_) => Outcome::Released,
    };
    if attempt.cancelled().is_cancelled() { stopped(attempt, outcome) } else { outcome }
}

/// A handler that fails when it is told to stop fails because of it, and that spends no attempt.
fn stopped(attempt: &Attempt, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Complete => Outcome::Complete,
        _ if attempt.is_cancelled() => Outcome::Cancelled,
        Outcome::Failed(failure) if matches!(failure.verdict, Verdict::Retry { .. }) => {
            Outcome::Released
        }
        other => other,
    }
}
