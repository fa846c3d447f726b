//! Stores the outcomes of attempts. Each report is retried until it is stored; a report whose job
//! another transaction holds is deferred, so that it does not delay the others.

use std::{sync::Arc, time::Duration};

use rand::RngExt;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    report::{Written, complete, fail},
    shared::{Report, Shared},
};
use crate::{Error, Failure, Outcome};

/// Completions gather up to this many, or for this long.
const BATCH: usize = 1_000;
const GATHER: Duration = Duration::from_millis(3);
/// A report that met another transaction's lock is deferred for this long.
const DEFER: Duration = Duration::from_millis(100);
/// While closing, a database that is away, or a lock, is waited for this long; after that, peers rescue.
const LAST_TRIES: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    shared: Arc<Shared>,
    mut reports: mpsc::UnboundedReceiver<Report>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut deferred: Vec<Report> = Vec::new();
    let mut again = Instant::now();
    loop {
        let closing = tokio::select! {
            biased;
            _ = reports.recv_many(&mut batch, BATCH) => false,
            () = stop.cancelled() => true,
            () = tokio::time::sleep_until(again), if !deferred.is_empty() => false,
        };
        if closing {
            break;
        }
        if batch.len() < BATCH && !batch.is_empty() && !stop.is_cancelled() {
            gather(&mut reports, &mut batch).await;
        }
        if again <= Instant::now() {
            batch.append(&mut deferred);
        }
        if !batch.is_empty() {
            deferred.append(&mut write(&shared, std::mem::take(&mut batch), &stop).await);
            again = Instant::now() + DEFER;
        }
    }
    let deadline = Instant::now() + LAST_TRIES;
    while !deferred.is_empty() && Instant::now() < deadline {
        tokio::time::sleep(DEFER).await;
        deferred = write(&shared, deferred, &stop).await;
    }
    for (attempt, _) in deferred {
        tracing::error!(
            job.id = %attempt.job(),
            "gave up writing a report: another transaction holds the job; a peer process rescues it"
        );
    }
}

async fn gather(reports: &mut mpsc::UnboundedReceiver<Report>, batch: &mut Vec<Report>) {
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH {
        let left = BATCH - batch.len();
        match tokio::time::timeout_at(until, reports.recv_many(batch, left)).await {
            Ok(n) if n > 0 => {}
            _ => break,
        }
    }
}

/// Returns the reports that met another transaction's lock.
pub(crate) async fn write(
    shared: &Shared,
    batch: Vec<Report>,
    stop: &CancellationToken,
) -> Vec<Report> {
    let mut completed = Vec::new();
    let mut others = Vec::new();
    for (attempt, outcome) in batch {
        match outcome {
            // The handler's own transaction wrote it. If that failed after all, the running row is
            // still there and the report of the failure below goes through.
            Outcome::Complete if attempt.is_completed_in() => shared.forget(&attempt),
            Outcome::Complete => completed.push((attempt, outcome)),
            outcome => others.push((attempt, outcome)),
        }
    }
    let mut deferred = Vec::new();
    let refused = write_all(shared, completed, &mut deferred, stop).await;
    others.extend(refused);
    write_all(shared, others, &mut deferred, stop).await;
    shared.written.notify_waiters();
    deferred
}

/// Writes reports that are all completions, or none. One that the database refuses is told apart from
/// the batch by halves, so that it delays no other: a completion is returned as a failure, and a
/// failure is written without the words that may be what is refused.
async fn write_all(
    shared: &Shared,
    reports: Vec<Report>,
    deferred: &mut Vec<Report>,
    stop: &CancellationToken,
) -> Vec<Report> {
    let mut refused = Vec::new();
    let mut parts = vec![(reports, None::<String>)];
    while let Some((mut part, instead)) = parts.pop() {
        let Some((first, outcome)) = part.first() else { continue };
        let job = first.job();
        let result = if matches!(outcome, Outcome::Complete) {
            let attempts: Vec<_> = part.iter().map(|(attempt, _)| Arc::clone(attempt)).collect();
            let mut again = false;
            let send = || complete(shared, &attempts, std::mem::replace(&mut again, true));
            until_written(stop, send, "completions").await
        } else {
            until_written(stop, || fail(shared, &part, instead.as_deref()), "failures").await
        };
        match result {
            Ok(written) => take(shared, part, written.as_ref(), deferred),
            Err(_) if part.len() > 1 => {
                let half = part.split_off(part.len() / 2);
                parts.extend([(half, None), (part, None)]);
            }
            Err(e) if matches!(part[0].1, Outcome::Complete) => {
                tracing::error!(job.id = %job, "the completion was refused: {e}");
                let why =
                    Failure::retry(format!("its completion was refused: {e}")).code("refused");
                refused.extend(
                    part.into_iter().map(|(attempt, _)| attempt).zip([Outcome::Failed(why)]),
                );
            }
            Err(e) if instead.is_none() => {
                parts.push((part, Some(format!("its report was refused: {e}"))));
            }
            Err(e) => {
                // the heartbeat finds that no task works on it, and gives it back
                tracing::error!(job.id = %job, "gave up writing a report: {e}");
                for (attempt, _) in &part {
                    shared.forget(attempt);
                }
            }
        }
    }
    refused
}

/// `None`: given up while closing.
fn take(shared: &Shared, part: Vec<Report>, written: Option<&Written>, deferred: &mut Vec<Report>) {
    for (attempt, outcome) in part {
        let job = attempt.job().0;
        match written {
            Some(written) if written.locked.contains(&job) => {
                deferred.push((attempt, outcome));
                continue;
            }
            Some(written) if !written.done.contains(&job) && !attempt.is_completed_in() => {
                attempt.lose("report");
            }
            _ => {}
        }
        shared.forget(&attempt);
    }
}

/// `None`: given up while closing. An error: the database will not take it, however often it is sent.
async fn until_written<T, F>(
    stop: &CancellationToken,
    mut write: impl FnMut() -> F,
    what: &str,
) -> Result<Option<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut failures = 0_u32;
    let mut closing_since = None;
    loop {
        match write().await {
            Ok(done) => return Ok(Some(done)),
            Err(e) if e.is_refusal() => return Err(e),
            Err(e) => {
                failures += 1;
                if failures == 1 {
                    tracing::warn!(what, "cannot write reports, trying again: {e}");
                }
                if stop.is_cancelled() {
                    let since = *closing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > LAST_TRIES {
                        tracing::error!(what, "gave up writing reports: {e}");
                        return Ok(None);
                    }
                }
                let ceiling = 25_u64 << failures.min(7);
                let wait = rand::rng().random_range(ceiling / 2..=ceiling);
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
        }
    }
}
