//! Types of a sentiment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Sentiment of a text in three classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    Negative,
    Neutral,
    Positive,
}

/// Kind of event that a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    Earnings,
    Guidance,
    #[serde(rename = "m&a")]
    MergersAcquisitions,
    Legal,
    Product,
    Macro,
    Analyst,
    Management,
    Capital,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not one of the known words")]
pub struct UnknownWord(pub String);

impl Label {
    pub const ALL: [Self; 3] = [Self::Negative, Self::Neutral, Self::Positive];
    /// Scores nearer to zero than this are neutral.
    pub const EDGE: f64 = 0.05;

    /// The label of a score in -1..=1.
    pub fn of(score: f64) -> Self {
        if score >= Self::EDGE {
            Self::Positive
        } else if score <= -Self::EDGE {
            Self::Negative
        } else {
            Self::Neutral
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

impl EventType {
    pub const ALL: [Self; 10] = [
        Self::Earnings,
        Self::Guidance,
        Self::MergersAcquisitions,
        Self::Legal,
        Self::Product,
        Self::Macro,
        Self::Analyst,
        Self::Management,
        Self::Capital,
        Self::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Earnings => "earnings",
            Self::Guidance => "guidance",
            Self::MergersAcquisitions => "m&a",
            Self::Legal => "legal",
            Self::Product => "product",
            Self::Macro => "macro",
            Self::Analyst => "analyst",
            Self::Management => "management",
            Self::Capital => "capital",
            Self::Other => "other",
        }
    }
}

impl FromStr for Label {
    type Err = UnknownWord;

    fn from_str(s: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|l| l.as_str() == s).ok_or_else(|| UnknownWord(s.to_owned()))
    }
}

impl FromStr for EventType {
    type Err = UnknownWord;

    fn from_str(s: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|e| e.as_str() == s).ok_or_else(|| UnknownWord(s.to_owned()))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_display_say_the_same_word() {
        for event in EventType::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
            assert_eq!(event.as_str().parse(), Ok(event));
        }
        for label in Label::ALL {
            assert_eq!(serde_json::to_value(label).unwrap(), label.as_str());
            assert_eq!(label.as_str().parse(), Ok(label));
        }
    }
}
