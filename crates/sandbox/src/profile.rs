//! Profiles: limits and faults after a start and after each reset.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;
use thiserror::Error;

use crate::faults::Faults;
use crate::imitation::paths;
use crate::limits::Limits;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// No faults.
    #[default]
    Calm,
    /// One request in twenty meets a fault.
    Flaky,
    /// A fifth of every limit.
    QuotaTight,
    /// One provider, by its path segment, answers 503 only.
    Outage(String),
    /// Starts on 26 November 2026, when the exchange is closed; the 27th is a half day.
    Thanksgiving2026,
    /// A little of everything.
    Chaos,
}

#[derive(Debug, Error)]
#[error(
    "there is no profile `{0}`; the profiles are calm, flaky, quota-tight, chaos, \
     thanksgiving-2026 and outage-{paths}", paths = paths().collect::<Vec<_>>().join(", -")
)]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "calm" => Ok(Self::Calm),
            "flaky" => Ok(Self::Flaky),
            "quota-tight" => Ok(Self::QuotaTight),
            "thanksgiving-2026" => Ok(Self::Thanksgiving2026),
            "chaos" => Ok(Self::Chaos),
            _ => match name.strip_prefix("outage-") {
                Some(place) if paths().any(|path| path == place) => {
                    Ok(Self::Outage(place.to_owned()))
                }
                _ => Err(UnknownProfile(name.to_owned())),
            },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calm => f.write_str("calm"),
            Self::Flaky => f.write_str("flaky"),
            Self::QuotaTight => f.write_str("quota-tight"),
            Self::Outage(place) => write!(f, "outage-{place}"),
            Self::Thanksgiving2026 => f.write_str("thanksgiving-2026"),
            Self::Chaos => f.write_str("chaos"),
        }
    }
}

impl Profile {
    pub(crate) fn limits(&self, limits: Limits) -> Limits {
        if *self == Self::QuotaTight { limits.scaled(0.2) } else { limits }
    }

    pub(crate) fn now(&self) -> Option<DateTime<Utc>> {
        let morning = || Utc.with_ymd_and_hms(2026, 11, 26, 12, 0, 0).single();
        if *self == Self::Thanksgiving2026 { morning() } else { None }
    }

    pub(crate) fn faults(&self) -> Faults {
        let settings = match self {
            Self::Calm | Self::QuotaTight | Self::Thanksgiving2026 => json!([]),
            Self::Flaky => json!([
                {"id": "F06", "probability": 0.03},
                {"id": "F04", "probability": 0.01},
                {"id": "F02", "probability": 0.01, "delay": "20s"},
            ]),
            Self::Outage(place) => json!([{"id": "F06", "match": format!("/{place}/")}]),
            Self::Chaos => {
                let ids = [
                    "F03", "F04", "F05", "F06", "F07", "F11", "F20", "F22", "F27", "F29", "F40",
                    "F43", "F44", "F47", "F48", "F60", "F63", "F65", "F66", "F67", "F68", "F69",
                    "F70", "F81", "F82", "F85", "F86", "F90",
                ];
                ids.iter().map(|id| json!({"id": id, "probability": 0.02})).collect()
            }
        };
        Faults::of_profile(&settings)
    }
}
