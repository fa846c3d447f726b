//! A job: durable arguments with a name and a policy ([`JobArgs`]), and the work that they describe
//! ([`Job`]).

use std::{borrow::Cow, time::Duration};

use chrono::{DateTime, Utc};
use schemars::Schema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Attempt, Failure, NewJob, OnFailure};

/// A job's number: unique for ever, rising in order of insertion within one connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// State of a job.
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
    /// The work is done. Final unless an operator retries it.
    Completed,
    /// Its attempts are spent, or its handler gave up for good. Final unless an operator retries
    /// it.
    Discarded,
    /// Cancelled by an operator or because of a parent, or superseded by a newer job. Final unless
    /// an operator retries it.
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

    /// True if the job has ended.
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

/// Time for which a unique key excludes other jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UniqueUntil {
    /// From enqueue until the finished job is pruned; discarded, cancelled and deleted jobs release
    /// it at once.
    Pruned,
    /// From enqueue until a worker claims the job: for jobs that read current state, so that a
    /// change during the run enqueues another job.
    Claimed,
}

impl UniqueUntil {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pruned => "pruned",
            Self::Claimed => "claimed",
        }
    }
}

/// The arguments of a kind of job, with its policy: all that a program needs that adds jobs without
/// running them.
///
/// The methods with `self` begin a [`NewJob`]: `Welcome { user: 7 }.at(noon).priority(0)`.
pub trait JobArgs: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Names the kind in every row, log line and metric; not empty. It outlives the Rust type's
    /// name: jobs written by the last release still carry it.
    const KIND: &'static str;
    /// The queue whose workers run it: `[a-z][a-z0-9_]{0,39}`, and not `cancel`. An invalid name
    /// does not compile where the kind is registered, and is [`Error::Job`](crate::Error::Job)
    /// where a job is added.
    const QUEUE: &'static str;
    /// 0 (first) to 9 (last).
    const PRIORITY: u8 = 4;
    /// Attempts before the job is discarded, 1 to 25.
    const MAX_ATTEMPTS: u16 = 5;
    /// The most that one attempt may take. After that it has `timed_out`, and its handler is dropped
    /// at its next `await`: one that computes without awaiting goes on to its end beside the next
    /// attempt.
    const TIMEOUT: Duration = Duration::from_mins(2);
    /// The time until which its unique key keeps other jobs out.
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Pruned;

    /// The lane in which it waits, `[a-z][a-z0-9_./-]{0,79}`; a lane's limit keys are configuration
    /// ([`crate::limits`]).
    fn lane(&self) -> Cow<'static, str> {
        Cow::Borrowed("default")
    }

    /// Names the occasion of this job, in 1 to 400 characters. A second job of the kind for the
    /// same occasion is not added. While the transaction that adds the first is open, a transaction
    /// that adds the second waits for it.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// The wait before the next attempt after `attempt` (1 for the first) has failed; `None`:
    /// `attempt`⁴ seconds ± 10 %. A wait of the kind's own gets no jitter: unless it is random,
    /// jobs that fail together are retried together.
    fn backoff(_attempt: u16) -> Option<Duration> {
        None
    }

    /// The JSON schema that arguments which a caller enters are held to ([`Registry::job`]); `None`:
    /// they only have to be readable as the type. With `schemars`: `Some(schema_for!(Self))`.
    ///
    /// [`Registry::job`]: crate::Registry::job
    fn schema() -> Option<Schema> {
        None
    }

    /// Not before this time, by the database's clock.
    fn at(self, due_at: DateTime<Utc>) -> NewJob
    where
        Self: Sized,
    {
        NewJob::of(&self).at(due_at)
    }

    /// 0 (first) to 9 (last), in place of the kind's own.
    fn priority(self, priority: u8) -> NewJob
    where
        Self: Sized,
    {
        NewJob::of(&self).priority(priority)
    }

    /// In this lane, in place of its own.
    fn in_lane(self, lane: impl Into<String>) -> NewJob
    where
        Self: Sized,
    {
        NewJob::of(&self).in_lane(lane)
    }

    /// A word to find the job by.
    fn tag(self, tag: impl Into<String>) -> NewJob
    where
        Self: Sized,
    {
        NewJob::of(&self).tag(tag)
    }

    /// Once all of these have ended ([`NewJob::after`]).
    fn after(self, jobs: &[JobId], on_failure: OnFailure) -> NewJob
    where
        Self: Sized,
    {
        NewJob::of(&self).after(jobs, on_failure)
    }
}

/// The work of a kind of job.
pub trait Job: JobArgs {
    /// Everything that the job needs besides its arguments: pools, clients, the clock.
    type Context: Clone + Send + Sync + 'static;
    /// Kept with the completed job as JSON, for its dependants and for people ([`crate::output()`]);
    /// `()`: nothing.
    type Output: Serialize + DeserializeOwned + Send;

    /// Does the work, at least once. An `Ok` without [`Attempt::complete_in`] is completed by the
    /// worker, in a batch.
    fn run(
        self,
        cx: Self::Context,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}
