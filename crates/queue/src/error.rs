//! What can go wrong between a caller and the queue.

use std::borrow::Cow;

use crate::JobId;

/// Errors of the queue's operations.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused or could not be reached.
    #[error("the queue's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The attempt no longer owns its job: another process has been given it. Nothing was written.
    #[error("the lease on job {0} was lost; this attempt's result does not count")]
    LeaseLost(JobId),
    /// A job cannot wait for one that was never added, nor join a batch that does not exist.
    #[error("there is no job {0} to wait for")]
    UnknownJob(JobId),
    /// The job that would follow a batch exists already, under the same unique key, and waits no longer.
    #[error("job {0} holds the unique key of the batch's job and has begun: it would not follow")]
    FollowUpBegun(JobId),
    /// This process was taken for dead by its peers and has to register anew.
    #[error("this process was declared dead by its peers")]
    ProcessDead,
    /// The arguments cannot be written as JSON.
    #[error("the arguments of a {kind} job cannot be written as JSON: {source}")]
    Args { kind: &'static str, source: serde_json::Error },
    /// A schedule's expression or time zone cannot be read.
    #[error("schedule {name}: {reason}")]
    Schedule { name: String, reason: String },
    /// A job could never be claimed as it is asked for: nothing was added.
    #[error("the {field} of a {kind} job: {reason}")]
    Job { kind: String, field: &'static str, reason: String },
    /// No queue or lane can have this name.
    #[error("{name:?}: {reason}")]
    Name { name: String, reason: &'static str },
    /// A limit key or a lane could never work as it is asked for.
    #[error("limit {key}: {reason}")]
    Limit { key: String, reason: String },
}

impl Error {
    /// Whether the attempt that met this error has lost its job.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Self::LeaseLost(_))
    }

    /// Whether a transaction gave way to another: deadlock (40P01), serialization (40001), lock
    /// timeout (55P03). Nobody is at fault; do it again a little later.
    pub fn met_another(&self) -> bool {
        self.code().is_some_and(|code| ["40P01", "40001", "55P03"].contains(&code.as_ref()))
    }

    /// Whether the database will not take these data, however often they are sent.
    pub(crate) fn is_refusal(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        let Self::Database(e) = self else { return None };
        e.as_database_error().and_then(sqlx::error::DatabaseError::code)
    }
}
