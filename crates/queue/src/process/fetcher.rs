//! Claims a queue's jobs, at most as many as there are free slots.

use std::{sync::Arc, time::Duration};

use rand::RngExt;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    counts,
    cursor::{Arrays, ClaimCursor},
    shared::Shared,
    slots::Slots,
};
use crate::{
    Attempt, Error, JobId, Registry,
    attempt::{Claimed, Lease},
    limits::Usage,
};

/// Most jobs in one claim: larger batches gain nothing and hold the limit keys longer.
const BATCH: usize = 500;
/// After going idle: look again this soon, for a job whose transaction began before the flag.
const FIRST_LOOK: Duration = Duration::from_millis(10);
/// The slow poll: enough for correctness without NOTIFY and timer.
const POLL: Duration = Duration::from_secs(1);
/// Behind a backlog, slots that are freed one by one are gathered this long: a claim costs about
/// the same for one job as for fifty.
const GATHER: Duration = Duration::from_millis(2);
/// All slots must be taken for this long before enqueuers are told not to notify.
const SATURATED: Duration = Duration::from_millis(100);
/// After so many claims in vain, what is due is taken to be of kinds that this process does not know:
/// each claim walks over it. From then on a claim that comes up short is followed by a rest of
/// `BACKOFF_FACTOR` times as long, so that the scans take at most 5 % of the time, whatever wakes the loop.
const EMPTY_CLAIMS_BEFORE_BACKOFF: u32 = 3;
const BACKOFF_FACTOR: u32 = 20;

/// The kinds that a worker can run: claims return no others.
pub(crate) struct Kinds {
    names: Vec<String>,
    registry: Registry,
}

impl Kinds {
    pub(crate) fn of(registry: &Registry) -> Self {
        let names = registry.kinds().map(|kind| kind.name.to_owned()).collect();
        Self { names, registry: registry.clone() }
    }
}

pub(crate) async fn run(
    shared: Arc<Shared>,
    queue: String,
    kinds: Kinds,
    slots: Arc<Slots>,
    out: mpsc::Sender<Arc<Attempt>>,
    stop: CancellationToken,
) {
    let mut pause = FIRST_LOOK;
    // Consecutive claims that found nothing although something was due.
    let mut empty_claims = 0_u32;
    let mut only_foreign_kinds = false;
    let mut failures = 0_u32;
    let mut backlog = false;
    let mut cursor = ClaimCursor::new();
    while !stop.is_cancelled() {
        if !wait_for_slot(&shared, &queue, &slots, &stop).await
            || !wait_for_reports(&shared, &slots, &stop).await
        {
            return;
        }
        if backlog && slots.free() < slots.capacity().min(BATCH) / 2 {
            tokio::time::sleep(GATHER).await;
        }
        let wanted = slots.free().min(BATCH);
        if wanted == 0 || stop.is_cancelled() {
            continue;
        }
        let lease = shared.lease(shared.next_lease());
        let asked = Instant::now();
        let from = cursor.begin(backlog, asked.into_std());
        let claimed = claim(&shared, &kinds, lease, &queue, wanted, &from).await;
        let took = asked.elapsed();
        counts::claim(&queue, asked, &claimed);
        match claimed {
            Ok(claimed) => {
                failures = 0;
                let got = claimed.len();
                let taken = claimed.iter().map(|job| (job.lane, job.priority, job.job.0));
                let now = Instant::now().into_std();
                cursor.claimed(&from, taken, got == wanted, asked.into_std(), now);
                // All are known before the first is handed out, however long the receiver takes.
                let attempts: Vec<_> = claimed
                    .into_iter()
                    .map(|job| {
                        let owner = Arc::clone(&shared);
                        let attempt = Arc::new(Attempt::new(job, lease, owner, asked));
                        shared.track(&attempt, slots.take());
                        attempt
                    })
                    .collect();
                for attempt in attempts {
                    if let Err(e) = out.send(attempt).await {
                        // The receiver is gone: give the job back, claim no other.
                        e.0.finish(crate::Outcome::Released);
                    }
                }
                if out.is_closed() {
                    return;
                }
                if got > 0 {
                    pause = FIRST_LOOK;
                    empty_claims = 0;
                }
                // a backlog that cursor have come to the end of is looked for from the start
                let over = backlog && got < wanted && !from.0.is_empty();
                backlog = got == wanted;
                let now = Instant::now().into_std();
                if backlog || over && cursor.max_staleness(now).is_zero() {
                    continue;
                }
                let from = cursor.begin(false, now);
                let next = next_work(&shared, &queue, &from, &mut empty_claims).await;
                only_foreign_kinds = empty_claims >= EMPTY_CLAIMS_BEFORE_BACKOFF
                    || only_foreign_kinds && next == Next::NotForUs;
                if only_foreign_kinds {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep((took * BACKOFF_FACTOR).min(POLL)) => {}
                    }
                }
                let mut wait = next.wait(empty_claims);
                if !from.0.is_empty() {
                    wait = wait.min(cursor.max_staleness(now).max(FIRST_LOOK));
                }
                pause = wait_for_work(&slots, &stop, pause, wait).await;
            }
            Err(e) => {
                // The claim may have succeeded: then its jobs are unknown to this process.
                shared.mark_unconfirmed(lease.number);
                cursor.forget();
                failures += 1;
                if failures == 1 {
                    tracing::warn!(queue, "cannot claim, trying again: {e}");
                }
                let ceiling = 50_u64 << failures.min(6);
                let wait = Duration::from_millis(rand::rng().random_range(ceiling / 2..=ceiling));
                let failed = Instant::now();
                shared.check_running.notify_one();
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = stop.cancelled() => return,
                }
                if is_unanswered(&e) && !wait_for_check(&shared, failed, &stop).await {
                    return;
                }
            }
        }
    }
}

/// `false`: stop.
async fn wait_for_slot(
    shared: &Shared,
    queue: &str,
    slots: &Slots,
    stop: &CancellationToken,
) -> bool {
    let since = Instant::now();
    let mut told = false;
    while slots.free() == 0 {
        tokio::select! {
            biased;
            () = stop.cancelled() => return false,
            () = slots.changed() => {}
            () = tokio::time::sleep_until(since + SATURATED), if !told => {
                told = true;
                if let Err(e) = shared.set_idle(queue, false).await {
                    tracing::debug!(queue, "cannot clear the idle flag: {e}");
                }
            }
        }
    }
    true
}

/// Waits while too many reports are unwritten. `false`: stop.
async fn wait_for_reports(shared: &Shared, slots: &Slots, stop: &CancellationToken) -> bool {
    while shared.is_behind(slots.capacity()) {
        tokio::select! {
            biased;
            () = stop.cancelled() => return false,
            () = shared.written.notified() => {}
            () = tokio::time::sleep(GATHER) => {}
        }
    }
    true
}

/// True if the server may have committed the claim that failed so.
fn is_unanswered(error: &Error) -> bool {
    !matches!(error, Error::ProcessDead | Error::Database(sqlx::Error::Database(_)))
}

/// Waits until what an unanswered claim took has been given back: claims whose answers never
/// arrive would else take one batch of jobs after the other. `false`: stop.
async fn wait_for_check(shared: &Shared, since: Instant, stop: &CancellationToken) -> bool {
    while shared.is_unchecked_since(since) {
        let checked = shared.after_check.notified();
        tokio::pin!(checked);
        checked.as_mut().enable();
        if shared.is_unchecked_since(since) {
            tokio::select! {
                () = checked => {}
                () = stop.cancelled() => return false,
            }
        }
    }
    true
}

/// When a claim may find something that is not there now.
#[derive(PartialEq)]
enum Next {
    In(Duration),
    /// It came between the claim and the question; or it is not for us: the queue is paused, the
    /// kind is of a newer release, a better key is worth the wait.
    NotForUs,
    Unknown,
}

impl Next {
    fn wait(&self, empty_claims: u32) -> Duration {
        match self {
            Self::In(wait) => *wait,
            Self::NotForUs => Duration::from_millis(1 << empty_claims.saturating_sub(1).min(10)),
            Self::Unknown => POLL,
        }
    }
}

/// Tells enqueuers that a slot is free, and asks what comes next.
async fn next_work(shared: &Shared, queue: &str, from: &Arrays, empty_claims: &mut u32) -> Next {
    if let Err(e) = shared.set_idle(queue, true).await {
        tracing::debug!(queue, "cannot set the idle flag: {e}");
    }
    let ms = sqlx::query_scalar!(
        r#"select (extract(epoch from queue.next_work($1, $2, $3, $4)) * 1000)::float8 as "ms""#,
        queue,
        &from.0,
        &from.1,
        &from.2,
    )
    .fetch_one(&shared.pool)
    .await
    .ok()
    .flatten();
    match ms {
        Some(ms) if ms > 0.0 => {
            *empty_claims = 0;
            Next::In(Duration::from_secs_f64((ms / 1000.0).clamp(0.001, 3600.0)))
        }
        Some(_) => {
            *empty_claims += 1;
            Next::NotForUs
        }
        None => {
            *empty_claims = 0;
            Next::Unknown
        }
    }
}

/// Waits for a notification, for `next`, or for the next look. Returns how long to wait for that
/// next time.
async fn wait_for_work(
    slots: &Slots,
    stop: &CancellationToken,
    pause: Duration,
    next: Duration,
) -> Duration {
    let jitter = rand::rng().random_range(0.9..1.1);
    tokio::select! {
        biased;
        () = stop.cancelled() => POLL,
        () = slots.work.notified() => FIRST_LOOK,
        () = tokio::time::sleep(pause.mul_f64(jitter).min(next)) => (pause * 2).min(POLL),
    }
}

pub(crate) async fn claim(
    shared: &Shared,
    kinds: &Kinds,
    lease: Lease,
    queue: &str,
    wanted: usize,
    from: &Arrays,
) -> Result<Vec<Claimed>, Error> {
    let rows = sqlx::query!(
        r#"select id as "id!", lane_id as "lane!", priority as "priority!", kind as "kind!", attempt as "attempt!", max_attempts as "max_attempts!",
            args as "args!", parent, trace, created_at as "created_at!", key, guard,
            tokens as "tokens!", micros as "micros!",
            greatest(extract(epoch from clock_timestamp() - available_at), 0)::float8 as "waited!"
        from queue.claim($1, $2, $3, $4, $5, $6, $7, $8)"#,
        lease.process,
        lease.number,
        queue,
        wanted as i32,
        &kinds.names,
        &from.0,
        &from.1,
        &from.2,
    )
    .fetch_all(&shared.pool)
    .await
    .map_err(|e| match e.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
        Some("QU001") => Error::ProcessDead,
        _ => e.into(),
    })?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kind = kinds.registry.get(&row.kind).expect("claims name the registry's kinds");
            Claimed {
                job: JobId(row.id),
                lane: row.lane,
                priority: row.priority,
                timeout: kind.timeout,
                backoff: kind.backoff,
                kind: row.kind,
                number: row.attempt as u16,
                max_attempts: row.max_attempts as u16,
                args: row.args,
                parent: row.parent.map(JobId),
                trace: row.trace,
                created_at: row.created_at,
                waited: row.waited,
                key: row.key,
                reserved: Usage {
                    tokens: row.tokens.max(0).cast_unsigned(),
                    micros: row.micros.max(0).cast_unsigned(),
                },
                guard: row
                    .guard
                    .map(|g| Duration::from_micros(g.microseconds.max(0).cast_unsigned())),
            }
        })
        .collect())
}
