//! A claimed row, and the sum of its calls.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{JobId, limits::Usage};

/// The most that a call is believed to have used: an absurd report must not overflow the totals.
pub(crate) const MOST_USED: u64 = 1_000_000_000_000;

/// Owner of a job: one claim of one start of one process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Lease {
    pub(crate) process: Uuid,
    pub(crate) number: i64,
}

/// A claimed row, as the claim returned it.
pub(crate) struct Claimed {
    pub(crate) job: JobId,
    pub(crate) lane: i32,
    pub(crate) priority: i16,
    pub(crate) kind: String,
    pub(crate) number: u16,
    pub(crate) max_attempts: u16,
    pub(crate) args: Value,
    pub(crate) parent: Option<JobId>,
    pub(crate) trace: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    /// Seconds from available to claimed.
    pub(crate) waited: f64,
    pub(crate) key: Option<String>,
    /// Of a key that counts from the start.
    pub(crate) guard: Option<Duration>,
    pub(crate) reserved: Usage,
    pub(crate) timeout: Duration,
    pub(crate) backoff: fn(u16) -> Option<Duration>,
}

/// Sum of the calls made since the last exchange.
#[derive(Clone, Copy, Default)]
pub(crate) struct Calls {
    /// A call was made.
    pub(crate) used: bool,
    /// One of them met a failing service.
    pub(crate) fault: bool,
    /// As reported; `None`: not reported.
    pub(crate) usage: Option<Usage>,
}

impl Calls {
    pub(crate) fn tokens(&self) -> Option<i64> {
        self.usage.map(|u| u.tokens.min(MOST_USED).cast_signed())
    }

    pub(crate) fn micros(&self) -> Option<i64> {
        self.usage.map(|u| u.micros.min(MOST_USED).cast_signed())
    }
}
