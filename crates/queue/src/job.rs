//! What a job is: durable arguments with a name, and the work that they describe.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Attempt, Failure};

/// A job's number: unique for ever, rising in order of insertion within one connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for other jobs.
    Pending,
    /// Waits for its time.
    Scheduled,
    /// A worker may claim it now.
    Available,
    /// An attempt is under way.
    Running,
    /// Failed, and waits for its next attempt.
    Retryable,
    /// Done. Final until somebody retries it.
    Completed,
    /// Its attempts are spent, or it was told to stop. Final until somebody retries it.
    Discarded,
    /// Somebody called it off, or a newer job took its place. Final until somebody retries it.
    Cancelled,
    /// Available, but no limit key of its lane can serve now.
    Parked,
}

impl State {
    /// Every state, in the order in which a job meets them.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Scheduled,
        Self::Available,
        Self::Parked,
        Self::Running,
        Self::Retryable,
        Self::Completed,
        Self::Discarded,
        Self::Cancelled,
    ];

    /// The name used in the database, the API and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Available => "available",
            Self::Running => "running",
            Self::Retryable => "retryable",
            Self::Completed => "completed",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
            Self::Parked => "parked",
        }
    }

    /// Whether the job has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Discarded | Self::Cancelled)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == s).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|state| state.as_str()).collect();
            format!("unknown job state {s:?}; known are {}", known.join(", "))
        })
    }
}

/// How long a unique key keeps other jobs out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// From enqueue until the finished job is pruned; discarded, cancelled and deleted jobs give
    /// it up at once.
    UntilPruned,
    /// From enqueue until a worker claims the job: for jobs that read current state, so that a
    /// change during the run enqueues another.
    UntilClaimed,
}

impl Holds {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UntilPruned => "pruned",
            Self::UntilClaimed => "claimed",
        }
    }
}

/// A kind of job: its arguments are the type, its policy the constants, its work `run`.
pub trait Job: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Names the kind in every row, log line and metric; not empty. It outlives the Rust type's
    /// name: jobs written by the last release still carry it.
    const KIND: &'static str;
    /// The queue whose workers run it: `[a-z][a-z0-9_]{0,39}`, and not `cancel`. Another name does
    /// not compile where the kind is registered, and is [`Error::Job`](crate::Error::Job) where a
    /// job is added.
    const QUEUE: &'static str;
    /// The lane in which it waits, `[a-z][a-z0-9_./-]{0,79}`; a lane's limit keys are configuration
    /// ([`crate::limits`]).
    const LANE: &'static str = "default";
    /// 0 (first) to 9 (last).
    const PRIORITY: u8 = 4;
    /// Attempts before the job is discarded, 1 to 25.
    const MAX_ATTEMPTS: u16 = 5;
    /// How long one attempt may take. After that it has `timed_out`, and its handler is dropped at
    /// its next `await`: one that computes without awaiting goes on to its end beside the next
    /// attempt.
    const TIMEOUT: Duration = Duration::from_mins(2);
    /// How long its unique key keeps other jobs out.
    const HOLDS: Holds = Holds::UntilPruned;

    /// What the job needs besides its arguments: pools, clients, the clock.
    type Context: Clone + Send + Sync + 'static;

    /// Names the occasion for this job, in 1 to 400 characters. A second job of the kind for the
    /// same occasion is not added. While another transaction that has added one is open, adding the
    /// second waits for its end.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// The wait before the next attempt after `attempt` (1 for the first) has failed; `None` is
    /// the default of `attempt`⁴ seconds, within a tenth more or less. A wait of the kind's own is
    /// taken as it is: many jobs that fail together come back together, unless it is random.
    fn backoff(_attempt: u16) -> Option<Duration> {
        None
    }

    /// Does the work, at least once. An `Ok` without [`Attempt::complete_in`] is completed by the
    /// worker, in a batch.
    fn run(
        self,
        cx: Self::Context,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}
