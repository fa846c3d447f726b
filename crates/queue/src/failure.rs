//! How an attempt ends.

use std::time::Duration;

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
    pub fn new(
        verdict: Verdict,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { verdict, source: source.into() }
    }

    pub fn retry(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Verdict::Retry { after: None }, source)
    }

    pub fn snooze(
        after: Duration,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(Verdict::Snooze { after }, source)
    }

    pub fn throttle(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Verdict::Throttle, source)
    }

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
