//! The sandbox's own time: the real clock, shifted.

use chrono::{DateTime, TimeDelta, Utc};

/// Runs at the speed of the real clock; starts where it is told to, and can be moved on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    offset: TimeDelta,
}

impl Clock {
    pub(crate) fn starting_at(now: Option<DateTime<Utc>>) -> Self {
        Self { offset: now.map_or_else(TimeDelta::zero, |now| now - real()) }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        real() + self.offset
    }

    pub(crate) fn advance(&mut self, by: TimeDelta) {
        self.offset += by;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox plays the outside world, clock included"
)]
fn real() -> DateTime<Utc> {
    Utc::now()
}
