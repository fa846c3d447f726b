//! Labels of a signal, with hysteresis: each is entered at one threshold and left at a lower one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownWord;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignalLabel {
    StrongBuy,
    Buy,
    Hold,
    Sell,
    StrongSell,
}

impl SignalLabel {
    pub const ALL: [Self; 5] =
        [Self::StrongBuy, Self::Buy, Self::Hold, Self::Sell, Self::StrongSell];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StrongBuy => "STRONG_BUY",
            Self::Buy => "BUY",
            Self::Hold => "HOLD",
            Self::Sell => "SELL",
            Self::StrongSell => "STRONG_SELL",
        }
    }

    /// Distance from HOLD: −2 to 2.
    const fn height(self) -> i8 {
        match self {
            Self::StrongBuy => 2,
            Self::Buy => 1,
            Self::Hold => 0,
            Self::Sell => -1,
            Self::StrongSell => -2,
        }
    }
}

impl FromStr for SignalLabel {
    type Err = UnknownWord;

    fn from_str(s: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|l| l.as_str() == s).ok_or_else(|| UnknownWord(s.to_owned()))
    }
}

impl fmt::Display for SignalLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The label after `previous` (HOLD for a fresh start), for composite `c`, quality `q` and
/// `agreement` = S·P. Selling mirrors buying.
pub(super) fn next(previous: Option<SignalLabel>, c: f64, q: f64, agreement: f64) -> SignalLabel {
    let from = previous.map_or(0, SignalLabel::height);
    match (climb(from, c, q, agreement), climb(-from, -c, q, agreement)) {
        (2, _) => SignalLabel::StrongBuy,
        (1, _) => SignalLabel::Buy,
        (_, 2) => SignalLabel::StrongSell,
        (_, 1) => SignalLabel::Sell,
        _ => SignalLabel::Hold,
    }
}

fn climb(from: i8, c: f64, q: f64, agreement: f64) -> u8 {
    // Thresholds to enter are higher than those to leave, so that noise does not switch labels.
    let strong = if from >= 2 {
        c >= 0.40 && q >= 0.45 && agreement >= -0.02
    } else {
        c >= 0.45 && q >= 0.50 && agreement >= 0.0
    };
    if strong { 2 } else { u8::from(c >= if from >= 1 { 0.20 } else { 0.25 }) }
}

#[cfg(test)]
mod tests {
    use super::SignalLabel::{Buy, Hold, Sell, StrongBuy, StrongSell};
    use super::*;

    #[test]
    fn label_thresholds_have_hysteresis() {
        for (previous, c, expected) in [
            (None, 0.25, Buy),
            (None, 0.2499, Hold),
            (None, 0.45, StrongBuy),
            (Some(Buy), 0.20, Buy),
            (Some(Buy), 0.1999, Hold),
            (Some(StrongBuy), 0.40, StrongBuy),
            (Some(StrongBuy), 0.3999, Buy),
            (Some(StrongBuy), 0.1, Hold),
            (Some(StrongBuy), -0.5, StrongSell),
            (Some(Sell), 0.21, Hold),
            (None, -0.25, Sell),
            (Some(StrongSell), -0.40, StrongSell),
            (Some(StrongSell), -0.39, Sell),
            (Some(Hold), 0.0, Hold),
        ] {
            assert_eq!(next(previous, c, 0.9, 0.1), expected, "{previous:?} at {c}");
        }
    }

    #[test]
    fn gates_keep_strong_out_and_let_it_go_later() {
        assert_eq!(next(None, 0.6, 0.49, 0.1), Buy);
        assert_eq!(next(None, 0.6, 0.5, -0.001), Buy);
        assert_eq!(next(Some(StrongBuy), 0.6, 0.45, -0.02), StrongBuy);
        assert_eq!(next(Some(StrongBuy), 0.6, 0.449, 0.1), Buy);
        assert_eq!(next(Some(StrongSell), -0.6, 0.9, -0.021), Sell);
    }

    #[test]
    fn oscillation_around_a_threshold_changes_the_label_at_most_once() {
        for (threshold, below, above) in
            [(0.25, Hold, Buy), (0.20, Hold, Buy), (0.45, Buy, StrongBuy)]
        {
            for start in [below, above] {
                let mut label = start;
                let mut changes = 0;
                for n in 0..50 {
                    let c = threshold + if n % 2 == 0 { 0.02 } else { -0.02 };
                    let after = next(Some(label), c, 0.9, 0.1);
                    changes += u32::from(after != label);
                    label = after;
                }
                assert!(changes <= 1, "{changes} changes around {threshold} from {start}");
            }
        }
    }
}
