//! A job as the API shows it.

use bellwether_queue::{self as queue, batch, inspect};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// State of a job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobState)]
pub(crate) enum State {
    /// Waits for other jobs.
    Pending,
    /// Waits for its time.
    Scheduled,
    /// A worker may take it now.
    Available,
    /// Waits for a limit.
    Parked,
    /// An attempt is under way.
    Running,
    /// Failed, and waits for its next attempt.
    Retryable,
    Completed,
    /// Its attempts are spent, or its failure is final.
    Discarded,
    Cancelled,
}

impl From<queue::State> for State {
    fn from(state: queue::State) -> Self {
        match state {
            queue::State::Pending => Self::Pending,
            queue::State::Scheduled => Self::Scheduled,
            queue::State::Available => Self::Available,
            queue::State::Parked => Self::Parked,
            queue::State::Running => Self::Running,
            queue::State::Retryable => Self::Retryable,
            queue::State::Completed => Self::Completed,
            queue::State::Discarded => Self::Discarded,
            queue::State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<State> for queue::State {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Scheduled => Self::Scheduled,
            State::Available => Self::Available,
            State::Parked => Self::Parked,
            State::Running => Self::Running,
            State::Retryable => Self::Retryable,
            State::Completed => Self::Completed,
            State::Discarded => Self::Discarded,
            State::Cancelled => Self::Cancelled,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    #[schema(example = "4711")]
    pub(crate) id: String,
    #[schema(example = "scrape_quotes")]
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) lane: String,
    pub(crate) state: State,
    /// 0 (first) to 9 (last).
    pub(crate) priority: u8,
    /// Attempts made, the one under way included.
    pub(crate) attempt: u16,
    pub(crate) max_attempts: u16,
    pub(crate) args: Value,
    /// Only in a list: the arguments are too long, and `args` is the beginning of their text.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(crate) args_cut: bool,
    pub(crate) unique_key: Option<String>,
    pub(crate) tags: Vec<String>,
    /// The job that added it.
    pub(crate) parent: Option<String>,
    /// Id of the trace in which it was added.
    pub(crate) trace_id: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    /// When a scheduled or retryable job becomes available.
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    /// Start of the running attempt or, after its end, of the last one.
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// The process that runs it, or ran it last.
    pub(crate) worker: Option<String>,
    /// The last attempt's error, or the reason of its cancellation.
    pub(crate) error: Option<String>,
    /// True if a running job was cancelled and has not stopped yet.
    pub(crate) cancelling: bool,
}

impl From<inspect::JobView> for Job {
    fn from(job: inspect::JobView) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            queue: job.queue,
            lane: job.lane,
            state: job.state.into(),
            priority: job.priority,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            args: job.args,
            args_cut: job.args_cut,
            unique_key: job.unique_key,
            tags: job.tags,
            parent: job.parent.map(|id| id.to_string()),
            trace_id: job.trace.and_then(|trace| Some(trace.split('-').nth(1)?.to_owned())),
            created_at: job.created_at,
            scheduled_at: job.due_at,
            started_at: job.claimed_at,
            finished_at: job.finished_at,
            worker: job.worker,
            error: job.error,
            cancelling: job.cancelling,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attempt {
    /// 1 for the first.
    number: u16,
    worker: String,
    started_at: DateTime<Utc>,
    /// `null` while it runs.
    ended_at: Option<DateTime<Utc>>,
    /// running, completed, failed, panicked, timed_out, undecodable, snoozed, throttled,
    /// released, cancelled or lost.
    outcome: String,
    error: Option<String>,
    log: Vec<String>,
}

impl From<inspect::AttemptView> for Attempt {
    fn from(attempt: inspect::AttemptView) -> Self {
        Self {
            number: attempt.number,
            worker: attempt.worker,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
            error: attempt.error,
            log: attempt.log,
        }
    }
}

/// A job that waits for this one, or that this one waits for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Relative {
    #[schema(example = "4711")]
    id: String,
    kind: String,
    state: State,
}

impl From<inspect::Relative> for Relative {
    fn from(job: inspect::Relative) -> Self {
        Self { id: job.id.to_string(), kind: job.kind, state: job.state.into() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BatchState {
    /// Some of its jobs have not ended.
    Running,
    /// All have completed.
    Completed,
    /// All have ended, and not all have completed.
    Failed,
}

/// The youngest batch that the job belongs to or follows, and its progress.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Batch {
    id: String,
    name: String,
    total: u64,
    /// Completed jobs.
    done: u64,
    /// Jobs that ended in another way.
    failed: u64,
    state: BatchState,
}

impl From<batch::Progress> for Batch {
    fn from(batch: batch::Progress) -> Self {
        Self {
            id: batch.id.to_string(),
            name: batch.name,
            total: batch.total,
            done: batch.done,
            failed: batch.failed,
            state: match batch.state {
                batch::BatchState::Running => BatchState::Running,
                batch::BatchState::Completed => BatchState::Completed,
                batch::BatchState::Failed => BatchState::Failed,
            },
        }
    }
}

/// A job with its history and its relatives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobDetail {
    #[serde(flatten)]
    job: Job,
    /// The value that its work returned; `null`: there is none, or the job has not completed.
    output: Option<Value>,
    /// Oldest first.
    attempts: Vec<Attempt>,
    /// The job that added it, and those it waits for.
    parents: Vec<String>,
    /// The jobs that it added, at most 1,000.
    children: Vec<String>,
    /// The jobs that have to end first, at most 100.
    waits_for: Vec<Relative>,
    /// The jobs that cannot begin before this one has ended, at most 100.
    waited_by: Vec<Relative>,
    /// `null` if it is in no batch.
    batch: Option<Batch>,
}

impl From<inspect::JobDetail> for JobDetail {
    fn from(detail: inspect::JobDetail) -> Self {
        let ids = |ids: Vec<queue::JobId>| ids.iter().map(ToString::to_string).collect();
        Self {
            job: detail.job.into(),
            output: detail.output,
            attempts: detail.attempts.into_iter().map(Into::into).collect(),
            parents: ids(detail.parents),
            children: ids(detail.children),
            waits_for: detail.waits_for.into_iter().map(Into::into).collect(),
            waited_by: detail.waited_by.into_iter().map(Into::into).collect(),
            batch: detail.batch.map(Into::into),
        }
    }
}

/// A job that a request has added or found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queued {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) state: State,
}
