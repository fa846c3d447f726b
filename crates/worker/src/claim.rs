//! An attempt in this process's hands, which is reported exactly once.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bellwether_queue::{Attempt, Outcome, trace::TraceContext};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Shared by the layers and by the tokio task that runs the handler. Whoever lets go last, for
/// whatever reason, gives the job back if nothing was reported before; so a job is given back only
/// once its handler has stopped running.
pub(crate) struct Claim {
    attempt: Arc<Attempt>,
    received: Instant,
    place: OnceLock<TraceContext>,
    settled: AtomicBool,
    stopped: CancellationToken,
}

impl Claim {
    pub(crate) fn new(attempt: Arc<Attempt>) -> Self {
        Self {
            attempt,
            received: Instant::now(),
            place: OnceLock::new(),
            settled: AtomicBool::new(false),
            stopped: CancellationToken::new(),
        }
    }

    pub(crate) fn attempt(&self) -> &Arc<Attempt> {
        &self.attempt
    }

    /// Where the attempt stands in its job's trace.
    pub(crate) fn place(&self) -> TraceContext {
        *self.place.get_or_init(TraceContext::start)
    }

    /// Only the first call counts.
    pub(crate) fn place_at(&self, here: TraceContext) {
        self.place.get_or_init(|| here);
    }

    /// How long the attempt has been here.
    pub(crate) fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }

    /// Reports the attempt's ending; only the first call counts.
    pub(crate) fn settle(&self, outcome: Outcome) {
        if self.settled.swap(true, Ordering::AcqRel) {
            return;
        }
        let kind = self.attempt.kind().to_owned();
        let ending = outcome.as_str();
        metrics::counter!("bellwether_job_attempts_total", "kind" => kind.clone(), "outcome" => ending)
            .increment(1);
        metrics::histogram!("bellwether_job_run_seconds", "kind" => kind, "outcome" => ending)
            .record(self.elapsed());
        self.attempt.settle(outcome);
    }

    /// To be dropped with the handler's future.
    pub(crate) fn while_running(&self) -> DropGuard {
        self.stopped.clone().drop_guard()
    }

    /// Waits until the handler's future is gone; `false`: it was not within `patience`.
    pub(crate) async fn stopped_within(&self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.stopped.cancelled()).await.is_ok()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.settle(Outcome::Released);
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("kind", &self.attempt.kind())
            .field("job", &self.attempt.job())
            .finish_non_exhaustive()
    }
}
