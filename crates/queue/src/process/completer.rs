//! Writes how attempts ended. A report is tried until the database has taken it; one that has to wait
//! for somebody lets the others go first.

use std::{sync::Arc, time::Duration};

use rand::RngExt;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    report::{complete, end},
    shared::{Report, Shared},
};
use crate::{Attempt, Error, Failure, Outcome};

/// Completions gather up to this many, or for this long.
const BATCH: usize = 1_000;
const GATHER: Duration = Duration::from_millis(3);
/// How long a report that met somebody else's lock is put aside.
const ASIDE: Duration = Duration::from_millis(100);
/// While closing, a database that is away, or a lock, is waited for this long; after that, peers rescue.
const LAST_TRIES: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    shared: Arc<Shared>,
    mut reports: mpsc::UnboundedReceiver<Report>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut aside: Vec<Report> = Vec::new();
    let mut again = Instant::now();
    loop {
        let closing = tokio::select! {
            biased;
            _ = reports.recv_many(&mut batch, BATCH) => false,
            () = stop.cancelled() => true,
            () = tokio::time::sleep_until(again), if !aside.is_empty() => false,
        };
        if closing {
            break;
        }
        if batch.len() < BATCH && !batch.is_empty() && !stop.is_cancelled() {
            gather(&mut reports, &mut batch).await;
        }
        if again <= Instant::now() {
            batch.append(&mut aside);
        }
        if !batch.is_empty() {
            aside.append(&mut write(&shared, std::mem::take(&mut batch), &stop).await);
            again = Instant::now() + ASIDE;
        }
    }
    let deadline = Instant::now() + LAST_TRIES;
    while !aside.is_empty() && Instant::now() < deadline {
        tokio::time::sleep(ASIDE).await;
        aside = write(&shared, aside, &stop).await;
    }
    for (attempt, _) in aside {
        tracing::error!(job.id = %attempt.job(), "gave up writing a report: somebody holds the job");
    }
}

async fn gather(reports: &mut mpsc::UnboundedReceiver<Report>, batch: &mut Vec<Report>) {
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        match tokio::time::timeout_at(until, reports.recv_many(batch, room)).await {
            Ok(n) if n > 0 => {}
            _ => break,
        }
    }
}

/// Returns the reports that met somebody else's lock.
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
            Outcome::Complete => completed.push(attempt),
            outcome => others.push((attempt, outcome)),
        }
    }
    others.extend(write_completed(shared, completed, stop).await);
    let mut aside = Vec::new();
    for (attempt, outcome) in others {
        if write_end(shared, &attempt, &outcome, stop).await {
            shared.forget(&attempt);
        } else {
            aside.push((attempt, outcome));
        }
    }
    aside
}

/// Returns what the database refuses as a failure of the attempt. One such report is told apart from
/// the batch by halves, so that it keeps no other.
async fn write_completed(
    shared: &Shared,
    completed: Vec<Arc<Attempt>>,
    stop: &CancellationToken,
) -> Vec<Report> {
    let mut refused = Vec::new();
    let mut parts = vec![completed];
    while let Some(mut part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let mut again = false;
        let write = || complete(shared, &part, std::mem::replace(&mut again, true));
        match until_written(stop, write, "completions").await {
            Ok(won) => {
                for attempt in &part {
                    if won.as_ref().is_some_and(|won| !won.contains(&attempt.job().0)) {
                        attempt.lose("report");
                    }
                    shared.forget(attempt);
                }
            }
            Err(_) if part.len() > 1 => {
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
            }
            Err(e) => {
                let attempt = part.remove(0);
                tracing::error!(job.id = %attempt.job(), "the completion was refused: {e}");
                let why = Failure::retry(format!("its completion was refused: {e}"));
                refused.push((attempt, Outcome::Failed(why)));
            }
        }
    }
    refused
}

enum Told {
    Written,
    Lost,
    Held,
}

/// Whether the report is dealt with; `false`: somebody holds the job.
async fn write_end(
    shared: &Shared,
    attempt: &Attempt,
    outcome: &Outcome,
    stop: &CancellationToken,
) -> bool {
    let mut refused = None;
    loop {
        let write = || async {
            match end(shared, attempt, outcome, refused.as_deref()).await {
                Ok(Some(_)) => Ok(Told::Written),
                Ok(None) => Ok(Told::Lost),
                Err(e) if e.met_another() => Ok(Told::Held),
                Err(e) => Err(e),
            }
        };
        match until_written(stop, write, attempt.kind()).await {
            Ok(Some(Told::Held)) => return false,
            Ok(Some(Told::Lost)) if !attempt.is_completed_in() => attempt.lose("report"),
            Ok(_) => {}
            // without the lines and the words that may be what is refused
            Err(e) if refused.is_none() => {
                refused = Some(format!("its report was refused: {e}"));
                continue;
            }
            // the heartbeat finds that nobody works on it, and gives it back
            Err(e) => tracing::error!(job.id = %attempt.job(), "gave up writing a report: {e}"),
        }
        return true;
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
                    tracing::warn!(what, "cannot write a report, trying again: {e}");
                }
                if stop.is_cancelled() {
                    let since = *closing_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > LAST_TRIES {
                        tracing::error!(what, "gave up writing a report: {e}");
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
