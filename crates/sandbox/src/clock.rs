//! The sandbox's own time: the real clock, shifted.

use chrono::{DateTime, TimeDelta, Utc};

/// Runs at the speed of the real clock from a configured start, or stands still; can be advanced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    offset: TimeDelta,
    stopped: Option<DateTime<Utc>>,
}

impl Clock {
    pub(crate) fn starting_at(now: Option<DateTime<Utc>>) -> Self {
        let offset = now.map_or_else(TimeDelta::zero, |now| now - real());
        Self { offset, stopped: None }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.stopped.unwrap_or_else(|| real() + self.offset)
    }

    pub(crate) fn advance(&mut self, by: TimeDelta) {
        self.offset += by;
        self.stopped = self.stopped.map(|at| at + by);
    }

    /// Stops it where it is, or lets it run on from there.
    pub(crate) fn stop(&mut self, stopped: bool) {
        let now = self.now();
        *self = Self { offset: now - real(), stopped: stopped.then_some(now) };
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox plays the outside world, clock included"
)]
fn real() -> DateTime<Utc> {
    Utc::now()
}
