//! Failures of calls; each case leads to another verdict.

use std::{fmt, time::Duration};

use crate::permit::PermitError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Texts in here are redacted and at most 500 characters long: they may be logged, stored and shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The provider said "slow down": the key waits, no attempt is spent. Without `wait` the
    /// provider named none, and the job that parks the key chooses a growing one.
    #[error("{key} asks us to slow down ({scope}): {detail}")]
    Throttled { key: String, wait: Option<Duration>, scope: Scope, detail: String },
    /// The key is unusable until an operator acts.
    #[error("{key} is stopped ({reason}): {detail}")]
    Stopped { key: String, reason: StopReason, detail: String },
    /// The same request would always be refused.
    #[error("refused ({reason}): {detail}")]
    Refused { reason: String, detail: String },
    /// An answer that does not fit its schema; worth few retries.
    #[error("unusable answer ({reason}): {detail}")]
    Unusable { reason: String, detail: String },
    /// Nothing was done as far as is known, or a repetition is harmless: retry with backoff.
    #[error("transient: {detail}")]
    Transient { detail: String },
    /// This machine could not make the call (no file descriptor, memory or port is free): nothing was
    /// sent, and it says nothing about the provider.
    #[error("this machine cannot call out now: {detail}")]
    Local { detail: String },
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
            Self::Local { .. } => "local",
            Self::Unknown { .. } => "unknown",
            Self::NotNow(_) => "not_now",
        }
    }
}

/// The window that is full, according to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A window of a few seconds.
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

/// The setting that an operator has to correct.
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

/// A setting with which no request could be made. Never contains the setting's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    pub setting: &'static str,
    pub problem: String,
}
