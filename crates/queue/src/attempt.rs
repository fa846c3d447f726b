//! One attempt at a job: the questions and writes that its handler may make while it owns the job.

mod claimed;
mod permit;
#[cfg(test)]
mod tests;

use std::{
    panic::catch_unwind,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub(crate) use self::claimed::{Calls, Claimed, Lease, MOST_USED};
pub use self::permit::NotGranted;
use self::permit::PermitState;
pub(crate) use self::permit::count_permit;
use crate::{Db, Enqueued, Error, JobId, NewJob, Outcome, enqueue, failure::panic_text, trace};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// An attempt's log: at most this many lines of this many characters.
const LOG_LINES: usize = 100;
const LOG_CHARS: usize = 500;
/// Bytes of an output as JSON.
const MOST_OUTPUT: usize = 65_536;

/// The process that an attempt belongs to, as far as the attempt needs it.
pub(crate) trait Owner: Send + Sync {
    /// For permits.
    fn pool(&self) -> &Db;
    /// True while no peer can take this process for dead.
    fn heartbeat_is_fresh(&self) -> bool;
    /// Stores how the attempt ended, without waiting for the database, and frees its slot.
    fn report(&self, attempt: Arc<Attempt>, outcome: Outcome);
    /// Counts a lost lease.
    fn count_lost(&self);
}

/// A claimed job in the hands of its handler.
pub struct Attempt {
    claimed: Claimed,
    lease: Lease,
    owner: Arc<dyn Owner>,
    permit: tokio::sync::Mutex<PermitState>,
    calls: Mutex<Calls>,
    cancelled: CancellationToken,
    cancelled_by_operator: AtomicBool,
    completed_in: AtomicBool,
    /// Jobs waited for this one; they are released once the handler's transaction has committed.
    awaited: AtomicBool,
    finished: AtomicBool,
    lost: AtomicBool,
    log: Mutex<Vec<String>>,
    output: Mutex<Option<Value>>,
}

impl Attempt {
    /// `asked`: just before the claim.
    pub(crate) fn new(
        claimed: Claimed,
        lease: Lease,
        owner: Arc<dyn Owner>,
        asked: Instant,
    ) -> Self {
        Self {
            claimed,
            lease,
            owner,
            permit: tokio::sync::Mutex::new(PermitState::of_claim(asked)),
            calls: Mutex::new(Calls::default()),
            cancelled: CancellationToken::new(),
            cancelled_by_operator: AtomicBool::new(false),
            completed_in: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            log: Mutex::new(Vec::new()),
            output: Mutex::new(None),
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

    /// The most that the attempt may take.
    pub fn timeout(&self) -> Duration {
        self.claimed.timeout
    }

    /// W3C trace context of the caller that added the job.
    pub fn trace(&self) -> Option<&str> {
        self.claimed.trace.as_deref()
    }

    /// Fires when the lease is lost, an operator has cancelled the job, or the worker's grace has run out.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// True if `cancelled` fired because an operator has cancelled the job.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled_by_operator.load(Ordering::Acquire)
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

    /// Adds a job as this one's child, in the caller's transaction.
    pub async fn enqueue(
        &self,
        conn: &mut PgConnection,
        job: impl Into<NewJob> + Send,
    ) -> Result<Enqueued, Error> {
        enqueue::enqueue(conn, self.child(job)).await
    }

    /// Makes a job this one's child, for [`crate::enqueue_all`] and [`crate::batch`]: it names this
    /// job as its parent and carries its trace on.
    #[must_use]
    pub fn child(&self, job: impl Into<NewJob>) -> NewJob {
        let mut job = job.into();
        job.parent = Some(self.job());
        job.trace = job
            .trace
            .or_else(|| trace::current().map(|here| here.to_string()))
            .or_else(|| self.claimed.trace.clone());
        job
    }

    /// Keeps a value with the job when it completes, for its dependants and for people
    /// ([`crate::output()`]); the last one counts. At most 64 KiB as JSON. A handler that calls
    /// [`Attempt::complete_in`] records its output before; any other may as well return it.
    pub fn record_output(&self, output: &impl Serialize) -> Result<(), Error> {
        let refuse = |reason| Error::Output { job: self.job(), reason };
        let output = serde_json::to_value(output).map_err(|e| refuse(e.to_string()))?;
        let bytes = output.to_string().len();
        if bytes > MOST_OUTPUT {
            return Err(refuse(format!(
                "it has {bytes} bytes of JSON, and {MOST_OUTPUT} at most are kept"
            )));
        }
        *self.output.lock().expect("no holder of the output panics") = Some(output);
        Ok(())
    }

    pub(crate) fn output(&self) -> Option<Value> {
        self.output.lock().expect("no holder of the output panics").clone()
    }

    /// Completes the job in the caller's transaction, so that effect, completion and follow-ups
    /// happen together or not at all. [`Error::LeaseLost`] ends the transaction: whatever the caller
    /// makes of it, nothing of it is committed.
    pub async fn complete_in(&self, conn: &mut PgConnection) -> Result<(), Error> {
        let calls = self.calls();
        let done = sqlx::query_scalar!(
            r#"select touched as "touched!" from queue.complete($1, $2, $3, $4, $5, $6, $7, $8, true, $9)"#,
            self.lease.process,
            &[self.job().0],
            &[self.lease.number],
            &[calls.used],
            &[calls.fault],
            &[calls.tokens()] as &[Option<i64>],
            &[calls.micros()] as &[Option<i64>],
            &[self.log_json()] as &[Option<Value>],
            &[self.output()] as &[Option<Value>],
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(awaited) = done else {
            self.lose("complete_in");
            // its error is what ends the transaction
            sqlx::query!("select queue.refuse($1)", self.job().0).execute(conn).await.ok();
            return Err(Error::LeaseLost(self.job()));
        };
        self.awaited.store(awaited, Ordering::Release);
        self.completed_in.store(true, Ordering::Release);
        Ok(())
    }

    /// Reports how the attempt ended; only the first report counts. Never fails and never waits
    /// for the database: the report is kept until it is written.
    pub fn finish(self: &Arc<Self>, outcome: Outcome) {
        if self.finished.swap(true, Ordering::AcqRel) {
            return;
        }
        self.owner.report(Arc::clone(self), outcome);
    }

    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    pub(crate) fn calls(&self) -> Calls {
        *self.calls.lock().expect("no holder of the calls panics")
    }

    /// True if the handler has completed the job in a transaction of its own.
    pub(crate) fn is_completed_in(&self) -> bool {
        self.completed_in.load(Ordering::Acquire)
    }

    /// True if other jobs waited for this one, and the handler's own completion released them.
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

    pub(crate) fn cancel(&self) {
        self.cancelled_by_operator.store(true, Ordering::Release);
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
        self.owner.count_lost();
        self.cancelled.cancel();
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
