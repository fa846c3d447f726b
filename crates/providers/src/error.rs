//! How a call can end badly; each case leads to another verdict.

use std::{fmt, time::Duration};

use crate::permit::PermitError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Texts in here are redacted and at most 500 characters long: they may be logged, stored and shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provider said "slow down": the key waits, no attempt is spent. Without `wait` the
    /// provider named none, and whoever parks the key chooses a growing one.
    #[error("{key} asks us to slow down ({scope}): {detail}")]
    Throttled { key: String, wait: Option<Duration>, scope: Scope, detail: String },
    /// Nothing works with this key until an operator acts.
    #[error("{key} is stopped ({reason}): {detail}")]
    Stopped { key: String, reason: StopReason, detail: String },
    /// The same request will be refused for ever.
    #[error("refused ({reason}): {detail}")]
    Refused { reason: String, detail: String },
    /// An answer that does not fit; worth few retries.
    #[error("unusable answer ({reason}): {detail}")]
    Unusable { reason: String, detail: String },
    /// Nothing happened as far as we can tell, or repeating does no harm: retry with backoff.
    #[error("transient: {detail}")]
    Transient { detail: String },
    /// A message may or may not have been sent: never repeat it blindly.
    #[error("unknown whether it was sent: {detail}")]
    Unknown { detail: String },
    /// The permit was not granted; nothing was sent.
    #[error(transparent)]
    NotNow(#[from] PermitError),
}

impl Error {
    /// A short stable word for metrics, spans and tables.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::Stopped { .. } => "stopped",
            Self::Refused { .. } => "refused",
            Self::Unusable { .. } => "unusable",
            Self::Transient { .. } => "transient",
            Self::Unknown { .. } => "unknown",
            Self::NotNow(_) => "not_now",
        }
    }
}

/// Which of its windows the provider says is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A few seconds.
    Burst,
    Minute,
    /// A quota of many hours.
    Day,
    Unknown,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an operator has to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The key is missing, wrong, disabled or a demonstration key.
    BadKey,
    /// The key is right, but its plan does not include this.
    NotEntitled,
    /// The configured model does not exist (any more).
    ModelGone,
}

impl StopReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadKey => "bad_key",
            Self::NotEntitled => "not_entitled",
            Self::ModelGone => "model_gone",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A setting that no request can be made with. Never contains the setting's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    pub setting: &'static str,
    pub problem: String,
}
