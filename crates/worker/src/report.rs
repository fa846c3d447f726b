//! The outermost layer: one span and one report for each attempt.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use apalis_core::task::Task;
use bellwether_queue::{
    Attempt, Outcome, Verdict,
    trace::{self, TraceContext},
};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};
use tracing::{Instrument, Span, field};

use crate::{
    claim::Claim,
    ending::{self, BoxError},
};

#[derive(Clone)]
pub(crate) struct ReportLayer;

impl<S> Layer<S> for ReportLayer {
    type Service = Report<S>;

    fn layer(&self, inner: S) -> Report<S> {
        Report { inner }
    }
}

#[derive(Clone)]
pub(crate) struct Report<S> {
    inner: S,
}

impl<S> Service<Task<Arc<Claim>>> for Report<S>
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

    /// Always answers well: nothing outside has a use for a job's failure, and it is logged here.
    fn call(&mut self, task: Task<Arc<Claim>>) -> Self::Future {
        let claim = Arc::clone(&task.args);
        let span = span(claim.attempt());
        let parent = claim.attempt().trace().and_then(|text| text.parse::<TraceContext>().ok());
        claim.place_at(trace::place(&span, parent));
        // The handler's own tokio task is spawned in this call and takes the span with it.
        let run = span.in_scope(|| self.inner.call(task));
        let report = async move {
            let outcome = ending::outcome(run.await.map_err(Into::into));
            log(&claim, &outcome);
            let span = Span::current();
            span.record("outcome", outcome.as_str());
            if is_error(&outcome) {
                span.record("otel.status_code", "ERROR");
            }
            claim.settle(outcome);
            Ok(())
        };
        Box::pin(report.instrument(span))
    }
}

fn span(attempt: &Attempt) -> Span {
    tracing::info_span!(
        "job",
        otel.name = attempt.kind(),
        otel.kind = "consumer",
        otel.status_code = field::Empty,
        job.kind = attempt.kind(),
        job.id = %attempt.job(),
        job.attempt = attempt.number(),
        trace_id = field::Empty,
        outcome = field::Empty,
    )
}

/// Whether somebody who looks through traces for what went wrong should find this one.
fn is_error(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(failure) => {
            matches!(failure.verdict, Verdict::Retry { .. } | Verdict::Discard)
        }
        Outcome::Panicked(_) | Outcome::TimedOut | Outcome::Undecodable(_) => true,
        _ => false,
    }
}

/// The one place that logs how an attempt ended.
fn log(claim: &Claim, outcome: &Outcome) {
    let duration_ms = u64::try_from(claim.elapsed().as_millis()).unwrap_or(u64::MAX);
    let of = claim.attempt().max_attempts();
    match outcome {
        Outcome::Complete => tracing::debug!(duration_ms, "job completed"),
        Outcome::Failed(failure) => {
            let error = failure.message();
            match failure.verdict {
                Verdict::Retry { .. } => {
                    tracing::warn!(duration_ms, of, error, "job failed");
                }
                Verdict::Discard => tracing::warn!(duration_ms, error, "job failed for good"),
                Verdict::Snooze { after } => {
                    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(duration_ms, after_ms, error, "job snoozed");
                }
                Verdict::Throttle => tracing::info!(duration_ms, error, "job throttled"),
            }
        }
        Outcome::Panicked(error) => tracing::error!(duration_ms, of, error, "job panicked"),
        Outcome::TimedOut => tracing::warn!(duration_ms, of, "job timed out"),
        Outcome::Undecodable(error) => {
            tracing::error!(error, "job has arguments that do not fit its kind");
        }
        Outcome::Cancelled => tracing::info!(duration_ms, "job called off"),
        Outcome::Released => tracing::info!(duration_ms, "job given back"),
    }
}
