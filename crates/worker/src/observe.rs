//! Runs an attempt inside its span, and records how it ended: log line, metrics, report.

use std::{convert::Infallible, sync::Arc};

use bellwether_queue::{
    Attempt, Handlers, Outcome, Verdict,
    trace::{self, TraceContext},
};
use tokio::time::{Duration, Instant};
use tracing::{Instrument, Span, field};

use crate::claim::Claim;

/// Never fails: apalis has no use for a job's failure.
pub(crate) async fn run(handlers: Arc<Handlers>, claim: Arc<Claim>) -> Result<(), Infallible> {
    let attempt = claim.attempt();
    let span = span(attempt);
    let parent = attempt.trace().and_then(|text| text.parse::<TraceContext>().ok());
    let place = trace::place(&span, parent);
    let began = Instant::now();
    let work = async {
        let outcome = handlers.run(attempt).await;
        record(attempt, &outcome, began.elapsed());
        attempt.finish(outcome);
    };
    trace::within(place, work).instrument(span).await;
    Ok(())
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

fn record(attempt: &Attempt, outcome: &Outcome, took: Duration) {
    let kind = attempt.kind().to_owned();
    let ending = outcome.as_str();
    metrics::counter!("bellwether_job_attempts_total", "kind" => kind.clone(), "outcome" => ending)
        .increment(1);
    metrics::histogram!("bellwether_job_run_seconds", "kind" => kind, "outcome" => ending)
        .record(took);
    let span = Span::current();
    span.record("outcome", ending);
    if is_error(outcome) {
        span.record("otel.status_code", "ERROR");
    }
    log(attempt, outcome, took);
}

/// True if a search through traces for failures should find this one.
fn is_error(outcome: &Outcome) -> bool {
    matches!(outcome.verdict(), Some(Verdict::Retry { .. } | Verdict::Discard))
}

/// The one place that logs how an attempt ended.
fn log(attempt: &Attempt, outcome: &Outcome, took: Duration) {
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let of = attempt.max_attempts();
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
        Outcome::Cancelled => tracing::info!(duration_ms, "job cancelled"),
        Outcome::Released => tracing::info!(duration_ms, "job given back"),
    }
}
