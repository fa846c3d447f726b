//! The innermost layer: the kind's handler, called with its attempt.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bellwether_queue::{ArgsError, Attempt, Failure, Handlers, Outcome, Registry, Verdict, trace};
use futures_util::FutureExt;

use crate::{
    claim::Claim,
    ending::{Ending, panic_text},
};

/// The handler's run, for a tokio task of its own.
pub(crate) fn call<C>(
    handlers: &Arc<Handlers<C>>,
    claim: Arc<Claim>,
) -> impl Future<Output = Result<(), Ending>> + Send + use<C>
where
    C: Clone + Send + Sync + 'static,
{
    let handlers = Arc::clone(handlers);
    // Made here, not in the future: a future that is dropped before its first poll has stopped too.
    let running = claim.while_running();
    async move {
        // Both outlive the handler: the claim gives the job back only once nothing runs.
        let _running = running;
        let attempt = claim.attempt();
        let Some(handler) = handlers.get(attempt.kind()) else {
            tracing::error!("claimed a kind that this worker does not know");
            return Err(Outcome::Released.into());
        };
        // The call is inside: a handler may panic before it returns its future.
        let run = async { handler(Arc::clone(attempt)).await };
        let run = trace::within(claim.place(), run);
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failure)) => Err(failed(handlers.registry(), attempt, failure).into()),
            Err(panic) => Err(Outcome::Panicked(panic_text(&*panic)).into()),
        }
    }
}

/// A failure for good whose arguments do not fit the kind is not the handler's.
fn failed(registry: &Registry, attempt: &Attempt, failure: Failure) -> Outcome {
    if failure.verdict == Verdict::Discard
        && let Err(misfit @ ArgsError::Invalid { .. }) =
            registry.check(attempt.kind(), attempt.args())
    {
        return Outcome::Undecodable(misfit.to_string());
    }
    Outcome::Failed(failure)
}
