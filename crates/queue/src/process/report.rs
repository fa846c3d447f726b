//! The statements that end attempts.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use super::shared::{Report, Shared};
use crate::{Attempt, Error, Outcome, Verdict, attempt::Calls, db::interval};

/// Results of the reports of a batch, by job. The lease of those that are in neither was lost.
#[derive(Default)]
pub(super) struct Written {
    pub(super) done: HashSet<i64>,
    /// Another transaction holds the job: nothing was written.
    pub(super) locked: HashSet<i64>,
}

/// The reports by the process that owns their attempts: all carry one identity, unless it has just
/// registered anew.
fn by_process<T>(reports: &[T], attempt: impl Fn(&T) -> &Attempt) -> BTreeMap<Uuid, Vec<&T>> {
    let mut owned: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for report in reports {
        owned.entry(attempt(report).lease().process).or_default().push(report);
    }
    owned
}

/// Completes attempts. `again`: they were sent before, and may have been written although no answer
/// came.
pub(super) async fn complete(
    shared: &Shared,
    attempts: &[Arc<Attempt>],
    again: bool,
) -> Result<Written, Error> {
    let mut written = Written::default();
    for (process, mine) in by_process(attempts, |attempt| attempt) {
        let jobs: Vec<i64> = mine.iter().map(|a| a.job().0).collect();
        let leases: Vec<i64> = mine.iter().map(|a| a.lease().number).collect();
        let calls: Vec<_> = mine.iter().map(|a| a.calls()).collect();
        let used: Vec<bool> = calls.iter().map(|c| c.used).collect();
        let fault: Vec<bool> = calls.iter().map(|c| c.fault).collect();
        let tokens: Vec<Option<i64>> = calls.iter().map(Calls::tokens).collect();
        let micros: Vec<Option<i64>> = calls.iter().map(Calls::micros).collect();
        let logs: Vec<Option<serde_json::Value>> = mine.iter().map(|a| a.log_json()).collect();
        let outputs: Vec<Option<serde_json::Value>> = mine.iter().map(|a| a.output()).collect();
        let done = sqlx::query!(
            r#"select job as "job!", touched as "touched!" from queue.complete($1, $2, $3, $4, $5, $6, $7, $8, false, $9)"#,
            process,
            &jobs,
            &leases,
            &used,
            &fault,
            &tokens as &[Option<i64>],
            &micros as &[Option<i64>],
            &logs as &[Option<serde_json::Value>],
            &outputs as &[Option<serde_json::Value>],
        )
        .fetch_all(&shared.pool)
        .await?;
        if again || done.iter().any(|row| row.touched) {
            shared.unblocked.notify_one();
        }
        let complete = done.len() == jobs.len();
        written.done.extend(done.into_iter().map(|row| row.job));
        if complete {
            continue;
        }
        if again {
            let ids = sqlx::query_scalar!(
                "select d.id from queue.done d where d.id = any ($1) and d.process = $2",
                &jobs,
                process
            );
            written.done.extend(ids.fetch_all(&shared.pool).await?);
        }
        find_locked(shared, process, &jobs, &leases, &mut written).await?;
    }
    Ok(written)
}

/// Finds those that were not written but whose lease still holds: another transaction held the row.
async fn find_locked(
    shared: &Shared,
    process: Uuid,
    jobs: &[i64],
    leases: &[i64],
    written: &mut Written,
) -> Result<(), Error> {
    let held = sqlx::query_scalar!(
        "select r.id from unnest($2::bigint[], $3::bigint[]) u(job, lease)
        join queue.running r on r.id = u.job and r.process = $1 and r.lease = u.lease",
        process,
        jobs,
        leases
    )
    .fetch_all(&shared.pool)
    .await?;
    let Written { done, locked } = written;
    locked.extend(held.into_iter().filter(|job| !done.contains(job)));
    Ok(())
}

/// Ends attempts that did not complete their jobs. `refused`: what is said in place of the attempts'
/// own words and lines.
pub(super) async fn fail(
    shared: &Shared,
    reports: &[Report],
    refused: Option<&str>,
) -> Result<Written, Error> {
    let mut written = Written::default();
    for (process, mine) in by_process(reports, |(attempt, _)| attempt) {
        let jobs: Vec<i64> = mine.iter().map(|(a, _)| a.job().0).collect();
        let leases: Vec<i64> = mine.iter().map(|(a, _)| a.lease().number).collect();
        let outcomes: Vec<String> = mine.iter().map(|(_, o)| o.as_str().to_owned()).collect();
        let codes: Vec<Option<String>> =
            mine.iter().map(|(_, o)| o.code().map(str::to_owned)).collect();
        let (errors, delays): (Vec<_>, Vec<_>) =
            mine.iter().map(|(attempt, outcome)| why(attempt, outcome, refused)).unzip();
        let logs: Vec<Option<serde_json::Value>> =
            mine.iter().map(|(a, _)| a.log_json().filter(|_| refused.is_none())).collect();
        let calls: Vec<_> = mine.iter().map(|(a, _)| a.calls()).collect();
        let used: Vec<bool> = calls.iter().map(|c| c.used).collect();
        // a service that never answers is one that fails
        let fault: Vec<bool> = (mine.iter().zip(&calls))
            .map(|((_, outcome), c)| c.fault || matches!(outcome, Outcome::TimedOut))
            .collect();
        let tokens: Vec<Option<i64>> = calls.iter().map(Calls::tokens).collect();
        let micros: Vec<Option<i64>> = calls.iter().map(Calls::micros).collect();
        let done = sqlx::query_scalar!(
            r#"select job as "job!" from queue.fail($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
            process,
            &jobs,
            &leases,
            &outcomes,
            &codes as &[Option<String>],
            &errors as &[Option<String>],
            &delays as &[Option<PgInterval>],
            &logs as &[Option<serde_json::Value>],
            &used,
            &fault,
            &tokens as &[Option<i64>],
            &micros as &[Option<i64>],
        )
        .fetch_all(&shared.pool)
        .await?;
        let complete = done.len() == jobs.len();
        written.done.extend(done);
        if !complete {
            find_locked(shared, process, &jobs, &leases, &mut written).await?;
        }
    }
    Ok(written)
}

/// The text of a failure as it is kept, and the wait before the next attempt.
fn why(
    attempt: &Attempt,
    outcome: &Outcome,
    refused: Option<&str>,
) -> (Option<String>, Option<PgInterval>) {
    let mut error = match outcome {
        Outcome::Complete => None,
        Outcome::Failed(failure) => Some(failure.message()),
        Outcome::Panicked(message) => Some(format!("panicked: {message}")),
        Outcome::TimedOut => Some(format!("ran longer than {} s", attempt.timeout().as_secs())),
        Outcome::Undecodable(reason) => Some(reason.clone()),
        Outcome::Cancelled => Some("cancelled while it ran".to_owned()),
        Outcome::Released => Some("the worker shut down".to_owned()),
    };
    let delay = match outcome.verdict() {
        Some(Verdict::Retry { after: Some(after) } | Verdict::Snooze { after }) => Some(after),
        Some(Verdict::Retry { after: None }) => attempt.backoff().unwrap_or_else(|panic| {
            let kind = attempt.kind();
            tracing::warn!(job.id = %attempt.job(), job.kind = kind, "its backoff panicked: {panic}");
            error = error.take().map(|e| format!("{e}; and its backoff panicked: {panic}"));
            None
        }),
        Some(Verdict::Throttle | Verdict::Discard) | None => None,
    };
    let error = refused.map(str::to_owned).or(error);
    let error = error.map(|e| e.chars().filter(|c| *c != '\0').take(2_000).collect());
    (error, delay.map(|d| interval(d.min(LONGEST))))
}

/// No job waits longer for its next attempt: the database's calendar has an end.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);
