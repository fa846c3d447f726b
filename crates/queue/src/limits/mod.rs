//! Limit keys: quotas as their providers count them, enforced across all processes.
//!
//! A [`Limit`] is one quota. A lane of a queue names the keys that may serve its jobs, in order of
//! preference ([`set_lane`]). A claim hands out a job only together with a permit of one of them, so
//! jobs of an exhausted key wait in their lane and delay no other lane.
//!
//! ```
//! use std::time::Duration;
//! use bellwether_queue::limits::{Breaker, Counts, Dimension, LaneKey, Limit, Unit, Window};
//!
//! let model = Limit::new("model/small", Counts::Finish)
//!     .window(Window::requests(15, Duration::from_mins(1)))
//!     .window(Window::tokens(250_000, Duration::from_mins(1)))
//!     .window(Window::calendar(Dimension::Requests, 500, Unit::Day, "America/Los_Angeles"))
//!     .breaker(Breaker::default());
//! let lane = [
//!     // falls back after ten minutes; a call uses at most 3,000 tokens
//!     LaneKey::new("model/small").fallback_after(Duration::from_mins(10)).reserve(3_000, 0),
//!     LaneKey::new("model/local"),
//! ];
//! # let _ = (model, lane);
//! ```

mod calls;
mod control;
mod define;

use std::time::Duration;

pub use calls::{LongestWindow, Renewal, longest_window};
pub use control::{
    Capacity, capacity, close_breaker, open_breaker, override_window, park, record_external_usage,
    resume, unpark,
};
pub use define::{define, set_lane};

/// The moment from which a call counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// A call counts while it is in flight and for the period after its end: safe whatever the
    /// latency, at the price of latency / period.
    Finish,
    /// A call counts from its grant for the period plus `guard`; its permit is valid for `guard`.
    Start { guard: Duration },
}

/// The unit that a window counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dimension {
    Requests,
    /// Of a language model, input and output: reserved at the claim, posted as the call reports
    /// them.
    Tokens,
    /// In micros, millionths of a US dollar: reserved and posted as tokens are.
    Money,
}

impl Dimension {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Money => "money",
        }
    }
}

/// A unit of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Month,
}

impl Unit {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// Length of a window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Period {
    /// Any stretch of this length, in whole milliseconds. A day is 24 hours here: use 25 for a
    /// provider's day, because one day in autumn is that long.
    Rolling(Duration),
    /// From midnight to midnight (or hour to hour …) in a time zone, such as `America/Los_Angeles`,
    /// also where clocks change.
    Calendar { unit: Unit, zone: String },
}

/// At most `amount` in each `period`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    pub dimension: Dimension,
    /// At least 1; of money, in micros.
    pub amount: u64,
    pub period: Period,
}

impl Window {
    pub fn rolling(dimension: Dimension, amount: u64, period: Duration) -> Self {
        Self { dimension, amount, period: Period::Rolling(period) }
    }

    pub fn requests(amount: u64, period: Duration) -> Self {
        Self::rolling(Dimension::Requests, amount, period)
    }

    pub fn tokens(amount: u64, period: Duration) -> Self {
        Self::rolling(Dimension::Tokens, amount, period)
    }

    pub fn money(micros: u64, period: Duration) -> Self {
        Self::rolling(Dimension::Money, micros, period)
    }

    pub fn calendar(
        dimension: Dimension,
        amount: u64,
        unit: Unit,
        zone: impl Into<String>,
    ) -> Self {
        Self { dimension, amount, period: Period::Calendar { unit, zone: zone.into() } }
    }
}

/// A share of every window that only urgent jobs may use.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reserve {
    /// 0 to below 1.
    pub share: f64,
    /// Jobs of this priority and before are urgent, 0 to 9.
    pub priority: u8,
}

/// Circuit breaker of a key, shared by all processes. It opens after `failures` faults in a row,
/// for `cooldown`; then one call at a time is allowed, and each failed one doubles the cooldown, up
/// to `longest`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Breaker {
    pub failures: u16,
    pub cooldown: Duration,
    pub longest: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, cooldown: Duration::from_secs(30), longest: Duration::from_mins(15) }
    }
}

/// A limit key: one quota of a provider.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    /// 1 to 120 characters.
    pub key: String,
    pub counts: Counts,
    pub windows: Vec<Window>,
    /// Most calls in flight at a time.
    pub in_flight: Option<u32>,
    /// Longest time that a call can be under way after it was sent: the call of a process that died
    /// counts as in flight until then.
    pub call_timeout: Duration,
    /// The key of a wider quota in which each call needs capacity too, such as an account that
    /// several models share. It must be defined already and have no parent itself.
    pub parent: Option<String>,
    pub reserve: Option<Reserve>,
    pub breaker: Option<Breaker>,
}

impl Limit {
    /// A key without windows, which serves every call.
    pub fn new(key: impl Into<String>, counts: Counts) -> Self {
        Self {
            key: key.into(),
            counts,
            windows: Vec::new(),
            in_flight: None,
            call_timeout: Duration::from_mins(1),
            parent: None,
            reserve: None,
            breaker: None,
        }
    }

    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.windows.push(window);
        self
    }

    #[must_use]
    pub fn in_flight(mut self, most: u32) -> Self {
        self.in_flight = Some(most);
        self
    }

    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    #[must_use]
    pub fn parent(mut self, key: impl Into<String>) -> Self {
        self.parent = Some(key.into());
        self
    }

    #[must_use]
    pub fn reserve(mut self, share: f64, priority: u8) -> Self {
        self.reserve = Some(Reserve { share, priority });
        self
    }

    #[must_use]
    pub fn breaker(mut self, breaker: Breaker) -> Self {
        self.breaker = Some(breaker);
        self
    }
}

/// A key that may serve a lane.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaneKey {
    pub key: String,
    /// The next key serves if a permit of this key is later than this; `None`: never.
    pub fallback_after: Option<Duration>,
    /// Calls that a job of this lane makes, at least 1: the job is claimed once all of them fit,
    /// and the further ones are reserved until the job takes them or ends.
    pub requests: u16,
    /// Most that a call of this lane uses: reserved while the call is in flight.
    pub tokens: u32,
    pub micros: u64,
}

impl LaneKey {
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), fallback_after: None, requests: 1, tokens: 0, micros: 0 }
    }

    /// Sets the calls that a job makes, each with a permit
    /// ([`Attempt::take_permit`](crate::Attempt::take_permit)).
    #[must_use]
    pub fn requests(mut self, requests: u16) -> Self {
        self.requests = requests;
        self
    }

    #[must_use]
    pub fn fallback_after(mut self, wait: Duration) -> Self {
        self.fallback_after = Some(wait);
        self
    }

    #[must_use]
    pub fn reserve(mut self, tokens: u32, micros: u64) -> Self {
        (self.tokens, self.micros) = (tokens, micros);
        self
    }
}

/// Actual usage of a call, as its provider reports it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub micros: u64,
}
