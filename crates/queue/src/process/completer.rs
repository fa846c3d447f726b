//! Writes how attempts ended. A report is tried until the database has taken it.

use std::{sync::Arc, time::Duration};

use rand::RngExt;
use sqlx::postgres::types::PgInterval;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::shared::{Report, Shared};
use crate::{Attempt, Error, Outcome, Verdict, attempt::Calls};

/// Completions gather up to this many, or for this long.
const BATCH: usize = 1_000;
const GATHER: Duration = Duration::from_millis(3);
/// While closing, a database that is away is waited for this long; after that, peers rescue.
const LAST_TRIES: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    shared: Arc<Shared>,
    mut reports: mpsc::UnboundedReceiver<Report>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let got = tokio::select! {
            biased;
            got = reports.recv_many(&mut batch, BATCH) => got,
            () = stop.cancelled() => 0,
        };
        if got == 0 {
            return;
        }
        if got < BATCH && !stop.is_cancelled() {
            let until = Instant::now() + GATHER;
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                match tokio::time::timeout_at(until, reports.recv_many(&mut batch, room)).await {
                    Ok(n) if n > 0 => {}
                    _ => break,
                }
            }
        }
        write(&shared, std::mem::take(&mut batch), &stop).await;
    }
}

pub(crate) async fn write(shared: &Shared, batch: Vec<Report>, stop: &CancellationToken) {
    let mut completed = Vec::new();
    for (attempt, outcome) in batch {
        if attempt.is_completed_in() {
            // The handler's own transaction wrote it. If that failed after all, the running row is
            // still there and the report of the failure below goes through.
            if matches!(outcome, Outcome::Complete) {
                shared.forget(&attempt);
                continue;
            }
        }
        if matches!(outcome, Outcome::Complete) {
            completed.push(attempt);
        } else {
            let state =
                until_written(stop, || end(shared, &attempt, &outcome), attempt.kind()).await;
            if state == Some(None) && !attempt.is_completed_in() {
                attempt.lose("report");
            }
            shared.forget(&attempt);
        }
    }
    if completed.is_empty() {
        return;
    }
    let won = until_written(stop, || complete(shared, &completed), "completions").await;
    for attempt in &completed {
        if won.as_ref().is_some_and(|won| !won.contains(&attempt.job().0)) {
            attempt.lose("report");
        }
        shared.forget(attempt);
    }
}

/// `None`: given up while closing.
async fn until_written<T, F>(
    stop: &CancellationToken,
    mut write: impl FnMut() -> F,
    what: &str,
) -> Option<T>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut failures = 0_u32;
    let mut closing_since = None;
    loop {
        match write().await {
            Ok(done) => return Some(done),
            Err(e) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!(what, "cannot write a report, trying again: {e}");
                }
                if stop.is_cancelled() {
                    let since = *closing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > LAST_TRIES {
                        tracing::error!(what, "gave up writing a report: {e}");
                        return None;
                    }
                }
                let ceiling = 25_u64 << failures.min(7);
                let wait = rand::rng().random_range(ceiling / 2..=ceiling);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
        }
    }
}

async fn complete(shared: &Shared, attempts: &[Arc<Attempt>]) -> Result<Vec<i64>, Error> {
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
        if done.iter().any(|row| row.touched) {
            shared.loosened.notify_one();
        }
        won.extend(done.into_iter().map(|row| row.job));
    }
    Ok(won)
}

/// The job's new state; `None`: the lease was lost.
async fn end(
    shared: &Shared,
    attempt: &Attempt,
    outcome: &Outcome,
) -> Result<Option<String>, Error> {
    let retry = attempt.backoff();
    let (name, error, delay) = match outcome {
        Outcome::Complete => ("completed", None, None),
        Outcome::Failed(failure) => {
            let message = Some(failure.message());
            match failure.verdict {
                Verdict::Retry { after } => ("failed", message, after.or(retry)),
                Verdict::Snooze { after } => ("snoozed", message, Some(after)),
                Verdict::Throttle => ("throttled", message, None),
                Verdict::Discard => ("discarded", message, None),
            }
        }
        Outcome::Panicked(message) => ("panicked", Some(format!("panicked: {message}")), retry),
        Outcome::TimedOut => {
            ("timed_out", Some(format!("ran longer than {} s", attempt.timeout().as_secs())), retry)
        }
        Outcome::Undecodable(reason) => ("undecodable", Some(reason.clone()), None),
        Outcome::Cancelled => ("cancelled", Some("called off while it ran".to_owned()), None),
        Outcome::Released => ("released", Some("the worker shut down".to_owned()), None),
    };
    let log = attempt.log_lines();
    let calls = attempt.calls();
    let state = sqlx::query_scalar!(
        "select queue.fail_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        attempt.lease().process,
        attempt.job().0,
        attempt.lease().number,
        name,
        error.map(|e| e.chars().filter(|c| *c != '\0').take(2_000).collect::<String>()),
        delay.map(interval) as Option<PgInterval>,
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

pub(crate) fn interval(d: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(d.as_micros()).unwrap_or(i64::MAX / 2),
    }
}
