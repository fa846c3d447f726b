//! Errors of the queue's operations.

use std::borrow::Cow;

use crate::{Fault, JobId, NotGranted};

/// An error of a queue operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused the statement or could not be reached.
    #[error("the queue's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The attempt no longer holds the lease on its job. Nothing was written.
    #[error("the lease on job {0} was lost; this attempt's result does not count")]
    LeaseLost(JobId),
    /// A handler's output cannot be kept with its job.
    #[error("the output of job {job}: {reason}")]
    Output { job: JobId, reason: String },
    /// A limit key had no permit for the next request.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// A job waits for a job that was never added, or joins a batch that does not exist.
    #[error("there is no job {0} to wait for")]
    UnknownJob(JobId),
    /// The job that would follow a batch exists already under the same unique key, and no longer
    /// waits.
    #[error("job {0} holds the unique key of the batch's job and has begun: it would not follow")]
    FollowUpBegun(JobId),
    /// This process was declared dead by its peers and must register again.
    #[error("this process was declared dead by its peers")]
    ProcessDead,
    /// A schedule's expression or time zone cannot be read.
    #[error("schedule {name}: {reason}")]
    Schedule { name: String, reason: String },
    /// The job could never be claimed as it is; nothing was added.
    #[error("the {field} of a {kind} job: {reason}")]
    Job { kind: String, field: &'static str, reason: String },
    /// A queue or a lane cannot have this name.
    #[error("{name:?}: {reason}")]
    Name { name: String, reason: &'static str },
    /// The limit key or the lane could never work as it is defined.
    #[error("limit {key}: {reason}")]
    Limit { key: String, reason: String },
}

impl Error {
    /// True if the attempt has lost its lease.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, Self::LeaseLost(_))
    }

    /// The cause of a database error; `None` of other errors.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Database(error) => Some(Fault::of(error)),
            _ => None,
        }
    }

    /// True if another transaction was in the way: the same operation may succeed a moment later.
    pub fn is_conflict(&self) -> bool {
        self.fault() == Some(Fault::Contention)
    }

    /// True if the database refuses these data, however often they are sent.
    pub(crate) fn is_refusal(&self) -> bool {
        self.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        let Self::Database(e) = self else { return None };
        e.as_database_error().and_then(sqlx::error::DatabaseError::code)
    }
}
