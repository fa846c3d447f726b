//! The statements that end attempts.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use super::shared::Shared;
use crate::{Attempt, Error, Outcome, Verdict, attempt::Calls};

/// Returns the jobs whose lease still held. `again`: they were sent before, and may have been written
/// although no answer came.
pub(super) async fn complete(
    shared: &Shared,
    attempts: &[Arc<Attempt>],
    again: bool,
) -> Result<Vec<i64>, Error> {
    let mut won = Vec::with_capacity(attempts.len());
    // All of a batch carry one identity, but for the moment of registering anew.
    let mut rest: Vec<&Arc<Attempt>> = attempts.iter().collect();
    while let Some(process) = rest.first().map(|a| a.lease().process) {
        let (mine, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|a| a.lease().process == process);
        rest = others;
        let jobs: Vec<i64> = mine.iter().map(|a| a.job().0).collect();
        let leases: Vec<i64> = mine.iter().map(|a| a.lease().number).collect();
        let calls: Vec<_> = mine.iter().map(|a| a.calls()).collect();
        let used: Vec<bool> = calls.iter().map(|c| c.used).collect();
        let fault: Vec<bool> = calls.iter().map(|c| c.fault).collect();
        let tokens: Vec<Option<i64>> = calls.iter().map(Calls::tokens).collect();
        let micros: Vec<Option<i64>> = calls.iter().map(Calls::micros).collect();
        let logs: Vec<Option<serde_json::Value>> = mine.iter().map(|a| a.log_json()).collect();
        let done = sqlx::query!(
            r#"select job as "job!", touched as "touched!" from queue.complete_v2($1, $2, $3, $4, $5, $6, $7, $8)"#,
            process,
            &jobs,
            &leases,
            &used,
            &fault,
            &tokens as &[Option<i64>],
            &micros as &[Option<i64>],
            &logs as &[Option<serde_json::Value>],
        )
        .fetch_all(&shared.pool)
        .await?;
        if again || done.iter().any(|row| row.touched) {
            shared.loosened.notify_one();
        }
        if again && done.len() < jobs.len() {
            won.extend(written(shared, process, &jobs).await?);
        }
        won.extend(done.into_iter().map(|row| row.job));
    }
    Ok(won)
}

/// Those of these jobs that this process has completed.
async fn written(shared: &Shared, process: Uuid, jobs: &[i64]) -> Result<Vec<i64>, Error> {
    let ids = sqlx::query_scalar!(
        "select d.id from queue.done d where d.id = any ($1) and d.process = $2",
        jobs,
        process
    );
    Ok(ids.fetch_all(&shared.pool).await?)
}

/// The job's new state; `None`: the lease was lost. `refused`: what is said in place of the attempt's
/// own words and lines.
pub(super) async fn end(
    shared: &Shared,
    attempt: &Attempt,
    outcome: &Outcome,
    refused: Option<&str>,
) -> Result<Option<String>, Error> {
    let (mut error, delay) = match outcome {
        Outcome::Complete => (None, Delay::None),
        Outcome::Failed(failure) => (Some(failure.message()), asked(failure.verdict)),
        Outcome::Panicked(message) => (Some(format!("panicked: {message}")), Delay::Backoff),
        Outcome::TimedOut => {
            (Some(format!("ran longer than {} s", attempt.timeout().as_secs())), Delay::Backoff)
        }
        Outcome::Undecodable(reason) => (Some(reason.clone()), Delay::None),
        Outcome::Cancelled => (Some("called off while it ran".to_owned()), Delay::None),
        Outcome::Released => (Some("the worker shut down".to_owned()), Delay::None),
    };
    let delay = match delay {
        Delay::None => None,
        Delay::Of(delay) => Some(delay),
        Delay::Backoff => attempt.backoff().unwrap_or_else(|panic| {
            let kind = attempt.kind();
            tracing::warn!(job.id = %attempt.job(), job.kind = kind, "its backoff panicked: {panic}");
            error = error.take().map(|e| format!("{e}; and its backoff panicked: {panic}"));
            None
        }),
    };
    let error = refused.map(str::to_owned).or(error);
    let log = if refused.is_some() { Vec::new() } else { attempt.log_lines() };
    let calls = attempt.calls();
    let state = sqlx::query_scalar!(
        "select queue.fail_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        attempt.lease().process,
        attempt.job().0,
        attempt.lease().number,
        outcome.as_str(),
        error.map(|e| e.chars().filter(|c| *c != '\0').take(2_000).collect::<String>()),
        delay.map(|d| interval(d.min(LONGEST))) as Option<PgInterval>,
        if log.is_empty() { None } else { Some(log) } as Option<Vec<String>>,
        calls.used,
        // a service that never answers is one that fails
        calls.fault || matches!(outcome, Outcome::TimedOut),
        calls.tokens(),
        calls.micros(),
    )
    .fetch_one(&shared.pool)
    .await?;
    Ok(state)
}

/// No job waits longer for its next attempt: the database's calendar has an end.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// When the next attempt comes.
enum Delay {
    /// As the outcome has it.
    None,
    Of(Duration),
    /// As the kind has it.
    Backoff,
}

const fn asked(verdict: Verdict) -> Delay {
    match verdict {
        Verdict::Retry { after: None } => Delay::Backoff,
        Verdict::Retry { after: Some(after) } | Verdict::Snooze { after } => Delay::Of(after),
        Verdict::Throttle | Verdict::Discard => Delay::None,
    }
}

pub(crate) fn interval(d: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(d.as_micros()).unwrap_or(i64::MAX / 2),
    }
}
