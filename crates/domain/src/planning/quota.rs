//! The calls that a key's longest window leaves, now and later.

use chrono::{DateTime, TimeDelta, Utc};

/// When a window gives calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Each call counts for this long.
    Rolling(TimeDelta),
    /// All calls are given back at one instant.
    At(DateTime<Utc>),
}

/// A key's longest window of requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls that the window holds.
    pub amount: u32,
    pub renewal: Renewal,
    /// Instants of the calls that count, in any order; for [`Renewal::At`] those of the running
    /// period.
    pub spent: Vec<DateTime<Utc>>,
}

impl Quota {
    /// Calls that are free at `at` if none is made until then.
    pub fn free_at(&self, at: DateTime<Utc>) -> u32 {
        let counts = |call: &&DateTime<Utc>| match self.renewal {
            Renewal::Rolling(window) => **call + window > at,
            Renewal::At(resets) => at < resets,
        };
        let spent = self.spent.iter().filter(counts).count();
        self.amount.saturating_sub(u32::try_from(spent).unwrap_or(u32::MAX))
    }

    /// Calls that can be made at `now` and leave `reserved` free at the later instant `then`.
    pub fn spare(&self, now: DateTime<Utc>, then: DateTime<Utc>, reserved: u32) -> u32 {
        let given_back = match self.renewal {
            Renewal::Rolling(window) => now + window <= then,
            Renewal::At(resets) => resets <= then,
        };
        let free = self.free_at(now);
        if given_back { free } else { free.min(self.free_at(then).saturating_sub(reserved)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    #[test]
    fn a_call_of_a_rolling_window_is_given_back_when_the_window_has_passed_it() {
        let renewal = Renewal::Rolling(TimeDelta::hours(25));
        let quota = Quota { amount: 3, renewal, spent: vec![at(0), at(10)] };
        assert_eq!([24, 25, 34, 35].map(|h| quota.free_at(at(h))), [1, 2, 2, 3]);
    }

    #[test]
    fn the_calls_of_a_calendar_are_given_back_at_once() {
        let quota = Quota { amount: 3, renewal: Renewal::At(at(24)), spent: vec![at(0), at(23)] };
        assert_eq!([23, 24].map(|h| quota.free_at(at(h))), [1, 3]);
    }

    #[test]
    fn a_call_made_now_leaves_what_is_reserved_for_later() {
        let renewal = Renewal::Rolling(TimeDelta::hours(25));
        let quota = Quota { amount: 5, renewal, spent: vec![at(0)] };
        assert_eq!(quota.spare(at(10), at(30), 3), 2, "five are free then, three are reserved");
        assert_eq!(quota.spare(at(10), at(20), 3), 1, "four are free then");
        assert_eq!(quota.spare(at(10), at(30), 9), 0);
        assert_eq!(quota.spare(at(10), at(40), 9), 4, "what is spent now is free again then");
        let daily = Quota { amount: 5, renewal: Renewal::At(at(24)), spent: vec![at(0)] };
        assert_eq!(daily.spare(at(10), at(30), 5), 4);
        assert_eq!(daily.spare(at(10), at(23), 3), 1);
    }
}
