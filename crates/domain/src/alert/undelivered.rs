//! Messages that could not be sent at once.

use std::fmt;

use chrono::TimeDelta;

/// Time after the end of an episode for which the message that it fires is still sent.
const WORTH_AFTER_ITS_END: TimeDelta = TimeDelta::minutes(10);
/// Time for which any other message is still sent.
const WORTH: TimeDelta = TimeDelta::hours(24);

/// A message that waits to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Time of the decision.
    pub age: TimeDelta,
    /// It reports that an alert fires, or still fires.
    pub tells_firing: bool,
    /// The alert fires now.
    pub is_firing: bool,
    /// A later message to the same recipient reports the same.
    pub is_repeated: bool,
}

/// The reason why a message no longer matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlived {
    AlertOver,
    Repeated,
    TooOld,
}

impl Undelivered {
    /// The reason to drop a message; `None` if it is still to be sent. A report that an alert fires
    /// is kept for as long as it does.
    pub fn outlived(&self) -> Option<Outlived> {
        if !self.tells_firing {
            return (self.age > WORTH).then_some(Outlived::TooOld);
        }
        if self.is_repeated {
            return Some(Outlived::Repeated);
        }
        (!self.is_firing && self.age > WORTH_AFTER_ITS_END).then_some(Outlived::AlertOver)
    }
}

impl fmt::Display for Outlived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlertOver => "its alert is over",
            Self::Repeated => "a later message says the same",
            Self::TooOld => "it is more than 24 h old",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_kept_while_its_alert_fires_and_dropped_when_it_is_over() {
        let message = |hours, is_firing| Undelivered {
            age: TimeDelta::hours(hours),
            tells_firing: true,
            is_firing,
            is_repeated: false,
        };
        assert_eq!(message(90, true).outlived(), None);
        assert_eq!(message(1, false).outlived(), Some(Outlived::AlertOver));
        assert_eq!(message(0, false).outlived(), None, "it has only just ended");
        let repeated = Undelivered { is_repeated: true, ..message(4, true) };
        assert_eq!(repeated.outlived(), Some(Outlived::Repeated));
    }

    #[test]
    fn other_messages_are_worth_sending_for_a_day() {
        let message = |hours| Undelivered {
            age: TimeDelta::hours(hours),
            tells_firing: false,
            is_firing: false,
            is_repeated: true,
        };
        assert_eq!(message(24).outlived(), None);
        assert_eq!(message(25).outlived(), Some(Outlived::TooOld));
    }
}
