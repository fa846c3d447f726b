//! How an attempt ends.

use std::time::Duration;

use rand::RngExt;

use crate::{Error, NotGranted};

/// What a failure asks for. The queue decides in SQL what becomes of the job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Try again after the kind's backoff, or after `after`; spends the attempt.
    Retry { after: Option<Duration> },
    /// Try again later; gives the attempt back.
    Snooze { after: Duration },
    /// A limit stood in the way: wait in the lane until its key can serve; gives the attempt back.
    Throttle,
    /// Never try again.
    Discard,
}

/// Why an attempt failed, and what that asks for.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct Failure {
    pub verdict: Verdict,
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    /// A failure with a verdict that was found elsewhere.
    pub fn new(
        verdict: Verdict,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { verdict, source: source.into() }
    }

    /// Tried again after the kind's backoff, until its attempts are spent. What
    /// `Err(error)?` makes of an [`sqlx::Error`] or an [`Error`], unless it lost a race.
    pub fn retry(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Verdict::Retry { after: None }, source)
    }

    /// Tried again after this wait instead, for example as long as a service has asked for. Spends
    /// the attempt.
    pub fn retry_after(
        after: Duration,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(Verdict::Retry { after: Some(after) }, source)
    }

    /// Not now: `scheduled` again after this wait (`retryable` if an attempt has failed before),
    /// with the attempt given back. Nothing counts how often: whoever snoozes for ever waits for
    /// ever.
    pub fn snooze(
        after: Duration,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(Verdict::Snooze { after }, source)
    }

    /// A limit stood in the way: back into its lane, with the attempt given back, until a key of
    /// the lane can serve. It does not stop the key: while the ledger says that there is room, and in a
    /// lane without keys, the job is claimed again at once. Whoever was told to slow down (a 429)
    /// parks the key first ([`limits::park`](crate::limits::park)); where there is no key to park,
    /// [`Failure::snooze`] for as long.
    pub fn throttle(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Verdict::Throttle, source)
    }

    /// Never tried again: `discarded` at once, whatever attempts are left. For what no repetition
    /// cures.
    pub fn discard(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Verdict::Discard, source)
    }

    /// The message with its causes, as it is kept in the attempt's row.
    pub fn message(&self) -> String {
        let mut message = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !message.contains(&inner_text) {
                message.push_str(": ");
                message.push_str(&inner_text);
            }
            cause = inner.source();
        }
        message
    }
}

/// What lost a race in the database is snoozed for a moment: nobody's fault, and it spends nothing.
/// A lost lease ends the attempt, whatever it says. All else is tried again.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.met_another() {
            let moment = Duration::from_millis(rand::rng().random_range(50..250));
            return Self::snooze(moment, error);
        }
        Self::retry(error)
    }
}

/// As an [`Error`] of the queue.
impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

/// Waits in its lane for the next permit.
impl From<NotGranted> for Failure {
    fn from(not_granted: NotGranted) -> Self {
        Self::throttle(not_granted)
    }
}

/// How one attempt ended, as a worker reports it.
#[derive(Debug)]
pub enum Outcome {
    /// The work is done.
    Complete,
    /// The work failed.
    Failed(Failure),
    /// The handler panicked; spends the attempt.
    Panicked(String),
    /// The attempt ran longer than its kind allows; spends the attempt.
    TimedOut,
    /// The arguments do not fit the kind: discarded.
    Undecodable(String),
    /// Somebody called the job off while it ran.
    Cancelled,
    /// The worker is shutting down: available again, the attempt is given back.
    Released,
}

impl Outcome {
    /// As it stands in `queue.attempt`, for a log line or a label.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "completed",
            Self::Failed(failure) => match failure.verdict {
                Verdict::Retry { .. } => "failed",
                Verdict::Snooze { .. } => "snoozed",
                Verdict::Throttle => "throttled",
                Verdict::Discard => "discarded",
            },
            Self::Panicked(_) => "panicked",
            Self::TimedOut => "timed_out",
            Self::Undecodable(_) => "undecodable",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
        }
    }
}
