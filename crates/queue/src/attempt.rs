//! One attempt at a job: what its handler may ask and write while it owns the job.

use std::{
    panic::catch_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Enqueued, Error, Job, JobId, NewJob, Outcome, enqueue,
    limits::Usage,
    process::{Shared, Slot, permit as counted},
    run::panic_text,
    trace,
};

/// How long a permit is good for from before its claim, by this process's monotonic clock; less if
/// its key's guard is shorter.
const PERMIT_GOOD_FOR: Duration = Duration::from_millis(500);
/// The most that a call is believed to have used: an absurd report must not overflow the totals.
pub(crate) const MOST_USED: u64 = 1_000_000_000_000;
/// An attempt's log: at most this many lines of this many characters.
const LOG_LINES: usize = 100;
const LOG_CHARS: usize = 500;

/// No permit of the attempt's limit key is free now.
#[derive(Debug, thiserror::Error)]
#[error("limit {key} has no permit free{}", next_at.map(|t| format!(" before {}", t.format("%FT%TZ"))).unwrap_or_default())]
pub struct NotGranted {
    pub key: String,
    /// When the next one may be free, by the database's clock; `None`: once a call in flight has
    /// ended.
    pub next_at: Option<DateTime<Utc>>,
}

/// Who owns a job: one claim of one start of one process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Lease {
    pub(crate) process: Uuid,
    pub(crate) number: i64,
}

/// A claimed row, as the claim returned it.
pub(crate) struct Claimed {
    pub(crate) job: JobId,
    pub(crate) lane: i32,
    pub(crate) priority: i16,
    pub(crate) kind: String,
    pub(crate) number: u16,
    pub(crate) max_attempts: u16,
    pub(crate) args: Value,
    pub(crate) parent: Option<JobId>,
    pub(crate) trace: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    /// Seconds from available to claimed.
    pub(crate) waited: f64,
    pub(crate) key: Option<String>,
    /// Of a key that counts from the start.
    pub(crate) guard: Option<Duration>,
    pub(crate) reserved: Usage,
    pub(crate) timeout: Duration,
    pub(crate) backoff: fn(u16) -> Option<Duration>,
}

/// The permit of the last claim or exchange.
struct PermitState {
    granted: Instant,
    /// A call has been made with it.
    spent: bool,
}

/// What the calls made since the last exchange have come to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Calls {
    /// A call was made.
    pub(crate) used: bool,
    /// One of them met a failing service.
    pub(crate) fault: bool,
    /// As reported; `None`: nobody told.
    pub(crate) usage: Option<Usage>,
}

impl Calls {
    pub(crate) fn tokens(&self) -> Option<i64> {
        self.usage.map(|u| u.tokens.min(MOST_USED).cast_signed())
    }

    pub(crate) fn micros(&self) -> Option<i64> {
        self.usage.map(|u| u.micros.min(MOST_USED).cast_signed())
    }
}

/// A claimed job in the hands of its handler.
pub struct Attempt {
    claimed: Claimed,
    lease: Lease,
    shared: Arc<Shared>,
    permit: tokio::sync::Mutex<PermitState>,
    calls: Mutex<Calls>,
    cancelled: CancellationToken,
    called_off: AtomicBool,
    completed_in: AtomicBool,
    /// Jobs waited for this one; they are released once the handler's transaction has committed.
    awaited: AtomicBool,
    settled: AtomicBool,
    lost: AtomicBool,
    log: Mutex<Vec<String>>,
    slot: Mutex<Option<Slot>>,
}

impl Attempt {
    /// `asked`: just before the claim.
    pub(crate) fn new(
        claimed: Claimed,
        lease: Lease,
        shared: Arc<Shared>,
        slot: Slot,
        asked: Instant,
    ) -> Self {
        Self {
            claimed,
            lease,
            shared,
            permit: tokio::sync::Mutex::new(PermitState { granted: asked, spent: false }),
            calls: Mutex::new(Calls::default()),
            cancelled: CancellationToken::new(),
            called_off: AtomicBool::new(false),
            completed_in: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            log: Mutex::new(Vec::new()),
            slot: Mutex::new(Some(slot)),
        }
    }

    pub fn job(&self) -> JobId {
        self.claimed.job
    }

    pub fn kind(&self) -> &str {
        &self.claimed.kind
    }

    pub fn args(&self) -> &Value {
        &self.claimed.args
    }

    /// 1 for the first.
    pub fn number(&self) -> u16 {
        self.claimed.number
    }

    pub fn max_attempts(&self) -> u16 {
        self.claimed.max_attempts
    }

    /// The limit key that served the claim; `None` in a lane without keys.
    pub fn key(&self) -> Option<&str> {
        self.claimed.key.as_deref()
    }

    pub fn created_at(&self) -> DateTime<Utc> {
        self.claimed.created_at
    }

    /// The job whose attempt added this one.
    pub fn parent(&self) -> Option<JobId> {
        self.claimed.parent
    }

    /// How long the attempt may take.
    pub fn timeout(&self) -> Duration {
        self.claimed.timeout
    }

    /// W3C trace context of whoever added the job.
    pub fn trace(&self) -> Option<&str> {
        self.claimed.trace.as_deref()
    }

    /// Fires when the lease is lost, the job is called off, or the worker's grace has run out.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Whether `cancelled` fired because somebody called the job off.
    pub fn called_off(&self) -> bool {
        self.called_off.load(Ordering::Acquire)
    }

    /// Adds a line to the attempt's log, which people see beside the job (at most 100 lines of
    /// 500 characters).
    pub fn log(&self, line: impl Into<String>) {
        // a character that PostgreSQL takes nowhere
        let line: String = line.into().chars().filter(|c| *c != '\0').take(LOG_CHARS).collect();
        let mut log = self.log.lock().expect("no holder of the log panics");
        if log.len() < LOG_LINES {
            log.push(line);
        }
    }

    /// A permit for one request under the attempt's limit key, to be taken just before its bytes
    /// leave. The claim's own permit serves the first request if it is taken within 500 ms of the
    /// claim (or the key's guard, if that is shorter) and while this process's heartbeat is fresh;
    /// a late or further one is exchanged in a short transaction. Without a limit key every request may go.
    pub async fn take_permit(&self) -> Result<Result<(), NotGranted>, Error> {
        let Some(key) = self.key() else {
            return Ok(Ok(()));
        };
        let mut permit = self.permit.lock().await;
        if self.cancelled.is_cancelled() {
            return Err(Error::LeaseLost(self.job()));
        }
        let good_for = self.claimed.guard.map_or(PERMIT_GOOD_FOR, |g| g.min(PERMIT_GOOD_FOR));
        let fresh = permit.granted.elapsed() < good_for && self.shared.heartbeat_is_fresh();
        if permit.spent || !fresh {
            let asked = Instant::now();
            let calls = self.calls();
            let next_at = sqlx::query_scalar!(
                // infinity has no place in a calendar: far away is far enough
                "select case when p = 'infinity' then '9999-01-01Z'::timestamptz else p end
                from queue.permit_v2($1, $2, $3, $4, $5, $6, $7) p",
                self.lease.process,
                self.job().0,
                self.lease.number,
                permit.spent,
                calls.fault,
                calls.tokens(),
                calls.micros(),
            )
            .fetch_one(&self.shared.pool)
            .await
            .map_err(|e| self.lost_or(e))?;
            // What was spent is in the ledger now.
            permit.spent = false;
            *self.calls.lock().expect("no holder of the calls panics") = Calls::default();
            counted(key, next_at.is_none());
            if let Some(at) = next_at {
                let next_at = (at.year() < 9999).then_some(at);
                return Ok(Err(NotGranted { key: key.to_owned(), next_at }));
            }
            permit.granted = asked;
        }
        permit.spent = true;
        self.calls.lock().expect("no holder of the calls panics").used = true;
        Ok(Ok(()))
    }

    /// What one call may use at most of its key's tokens and money: held until the attempt ends.
    pub fn reserved(&self) -> Usage {
        self.claimed.reserved
    }

    /// Tells what a call has really used, as its provider reports it; several calls add up. Without
    /// it a call is taken to have used all that was reserved.
    pub fn use_up(&self, usage: Usage) {
        let mut calls = self.calls.lock().expect("no holder of the calls panics");
        let so_far = calls.usage.unwrap_or_default();
        calls.usage = Some(Usage {
            tokens: so_far.tokens.saturating_add(usage.tokens),
            micros: so_far.micros.saturating_add(usage.micros),
        });
    }

    /// Tells that a call met a failing service (an error of its side, no answer, no connection):
    /// the key's breaker counts it. A call of which nothing is told has met a working one.
    pub fn fault(&self) {
        self.calls.lock().expect("no holder of the calls panics").fault = true;
    }

    /// Adds a job as this one's child, in the caller's transaction.
    pub async fn enqueue<J: Job>(
        &self,
        conn: &mut PgConnection,
        job: &J,
    ) -> Result<Enqueued, Error> {
        enqueue::add(conn, &self.child(NewJob::of(job)?)).await
    }

    /// Adds a prepared job as this one's child, in the caller's transaction.
    pub async fn add(&self, conn: &mut PgConnection, job: NewJob) -> Result<Enqueued, Error> {
        enqueue::add(conn, &self.child(job)).await
    }

    /// Makes a prepared job this one's child, for [`crate::add_all`] and [`crate::batch`]: it names
    /// this job as its parent and carries its trace on.
    #[must_use]
    pub fn child(&self, mut job: NewJob) -> NewJob {
        job.parent = Some(self.job());
        job.trace = job
            .trace
            .or_else(|| trace::current().map(|here| here.to_string()))
            .or_else(|| self.claimed.trace.clone());
        job
    }

    /// Completes the job in the caller's transaction, so that effect, completion and follow-ups
    /// happen together or not at all. [`Error::LeaseLost`] ends the transaction: whatever the caller
    /// makes of it, nothing of it is committed.
    pub async fn complete_in(&self, conn: &mut PgConnection) -> Result<(), Error> {
        let calls = self.calls();
        let done = sqlx::query_scalar!(
            r#"select touched as "touched!" from queue.complete_v2($1, $2, $3, $4, $5, $6, $7, $8)"#,
            self.lease.process,
            &[self.job().0],
            &[self.lease.number],
            &[calls.used],
            &[calls.fault],
            &[calls.tokens()] as &[Option<i64>],
            &[calls.micros()] as &[Option<i64>],
            &[self.log_json()] as &[Option<Value>],
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(awaited) = done else {
            self.lose("complete_in");
            // its error is what ends the transaction
            sqlx::query!("select queue.refuse_v1($1)", self.job().0).execute(conn).await.ok();
            return Err(Error::LeaseLost(self.job()));
        };
        self.awaited.store(awaited, Ordering::Release);
        self.completed_in.store(true, Ordering::Release);
        Ok(())
    }

    /// Reports how the attempt ended; only the first report counts. Never fails and never waits
    /// for the database: the report is kept until it is written.
    pub fn settle(self: &Arc<Self>, outcome: Outcome) {
        if self.settled.swap(true, Ordering::AcqRel) {
            return;
        }
        self.shared.report(Arc::clone(self), outcome);
        // The slot is free as soon as the work has ended; the report follows on its own.
        self.slot.lock().expect("no holder of the slot panics").take();
    }

    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    pub(crate) fn calls(&self) -> Calls {
        *self.calls.lock().expect("no holder of the calls panics")
    }

    /// Whether the handler completed the job in a transaction of its own.
    pub(crate) fn is_completed_in(&self) -> bool {
        self.completed_in.load(Ordering::Acquire)
    }

    /// Whether the handler's own completion let others go on.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire)
    }

    /// The kind's own wait before the next attempt, or what it panicked with.
    pub(crate) fn backoff(&self) -> Result<Option<Duration>, String> {
        let Claimed { backoff, number, .. } = self.claimed;
        catch_unwind(|| backoff(number)).map_err(|panic| panic_text(&*panic))
    }

    pub(crate) fn log_lines(&self) -> Vec<String> {
        self.log.lock().expect("no holder of the log panics").clone()
    }

    pub(crate) fn log_json(&self) -> Option<Value> {
        let lines = self.log_lines();
        (!lines.is_empty()).then(|| Value::from(lines))
    }

    pub(crate) fn call_off(&self) {
        self.called_off.store(true, Ordering::Release);
        self.cancelled.cancel();
    }

    /// The lease is gone: whatever the handler still does will not count.
    pub(crate) fn lose(&self, where_: &'static str) {
        if self.lost.swap(true, Ordering::AcqRel) {
            return;
        }
        if !self.cancelled.is_cancelled() {
            tracing::warn!(job.id = %self.job(), job.kind = self.kind(), at = where_, "lease lost");
        }
        self.shared.count_lost();
        self.cancelled.cancel();
    }

    fn lost_or(&self, e: sqlx::Error) -> Error {
        if e.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref()
            == Some("QU002")
        {
            self.lose("permit");
            Error::LeaseLost(self.job())
        } else {
            e.into()
        }
    }
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("job", &self.claimed.job)
            .field("kind", &self.claimed.kind)
            .field("number", &self.claimed.number)
            .finish_non_exhaustive()
    }
}
