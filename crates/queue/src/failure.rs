//! Outcomes of attempts, and what a failure asks the queue to do.

use std::{any::Any, borrow::Cow, time::Duration};

use rand::RngExt;

use crate::{Error, Fault};

/// The request of a failure. The queue decides in SQL on the job's next state.
///
/// A handler chooses it ([`Failure`]); an [`Outcome`] that no handler chose has one too
/// ([`Outcome::verdict`]).
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
    /// Names the cause for programs, in `queue.attempt` beside the text; no decision is made by reading
    /// the text.
    pub code: Option<Cow<'static, str>>,
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    /// A failure with a verdict that was found elsewhere.
    pub fn new(
        verdict: Verdict,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { verdict, code: None, source: source.into() }
    }

    /// Adds a code, for example `rate_limited`: what later attempts and programs decide by.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Tried again after the kind's backoff, until its attempts are spent. What `Err(error)?` makes of
    /// an [`sqlx::Error`] or an [`Error`] that is a [`Fault::Statement`].
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
    /// with the attempt given back. There is no limit on snoozes: a job can be snoozed indefinitely.
    pub fn snooze(
        after: Duration,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(Verdict::Snooze { after }, source)
    }

    /// A limit stood in the way: back into its lane, with the attempt given back, until a key of
    /// the lane can serve. It does not stop the key: while the ledger says that there is room, and in a
    /// lane without keys, the job is claimed again at once. After a 429 use
    /// [`Attempt::rate_limited`](crate::Attempt::rate_limited), which stops the key first.
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

/// A conflict with another transaction is snoozed for 50 to 250 ms, an outage of the database for 5 s; a job without a permit goes back to its lane. None of them spends the attempt. All
/// else is tried again. A lost lease ends the attempt, whatever it says.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if matches!(error, Error::NotGranted(_)) {
            return Self::throttle(error);
        }
        match error.fault() {
            Some(Fault::Contention) => {
                let moment = Duration::from_millis(rand::rng().random_range(50..250));
                Self::snooze(moment, error)
            }
            Some(Fault::Outage) => Self::snooze(Duration::from_secs(5), error),
            Some(Fault::Statement) | None => Self::retry(error),
        }
    }
}

/// As an [`Error`] of the queue.
impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

/// End of an attempt, as a worker reports it and the queue records it: what the handler returned, or
/// why it could not return.
#[derive(Debug)]
pub enum Outcome {
    /// The handler returned `Ok`.
    Complete,
    /// The handler returned a failure.
    Failed(Failure),
    /// The handler panicked.
    Panicked(String),
    /// The attempt ran longer than its kind allows.
    TimedOut,
    /// The arguments do not fit the kind; the handler was not called.
    Undecodable(String),
    /// An operator cancelled the job while it ran.
    Cancelled,
    /// The worker is shutting down: available again, the attempt is given back.
    Released,
}

impl Outcome {
    /// The request to the queue; `None`: the work is done, or the attempt was stopped from outside.
    pub const fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Failed(failure) => Some(failure.verdict),
            Self::Panicked(_) | Self::TimedOut => Some(Verdict::Retry { after: None }),
            Self::Undecodable(_) => Some(Verdict::Discard),
            Self::Complete | Self::Cancelled | Self::Released => None,
        }
    }

    /// The code of a failure.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Failed(failure) => failure.code.as_deref(),
            _ => None,
        }
    }

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

impl From<Result<(), Failure>> for Outcome {
    fn from(returned: Result<(), Failure>) -> Self {
        returned.map_or_else(Self::Failed, |()| Self::Complete)
    }
}

/// The text that a panic was raised with.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_without_a_text_says_so() {
        assert_eq!(panic_text(&"plain"), "plain");
        assert_eq!(panic_text(&"owned".to_owned()), "owned");
        assert_eq!(panic_text(&7_u8), "a panic without a text");
    }
}
