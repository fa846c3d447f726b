//! Quiet hours, in which no message is sent.

use chrono::{DateTime, Days, MappedLocalTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// From one time of day to another in a named zone; past midnight if `to` is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct QuietHours {
    pub from: NaiveTime,
    pub to: NaiveTime,
    pub tz: Tz,
}

#[derive(Clone, Serialize, Deserialize)]
struct Written {
    from: String,
    to: String,
    tz: String,
}

impl TryFrom<Written> for QuietHours {
    type Error = String;

    fn try_from(w: Written) -> Result<Self, String> {
        let time = |s: &str| {
            NaiveTime::parse_from_str(s, "%H:%M")
                .or_else(|_| NaiveTime::parse_from_str(s, "%H:%M:%S"))
                .map_err(|_| format!("{s:?} is not a time of day such as 22:00"))
        };
        let tz = w.tz.parse().map_err(|_| format!("{:?} is not a time zone", w.tz))?;
        Ok(Self { from: time(&w.from)?, to: time(&w.to)?, tz })
    }
}

impl From<QuietHours> for Written {
    fn from(q: QuietHours) -> Self {
        let time = |t: NaiveTime| t.format("%H:%M").to_string();
        Self { from: time(q.from), to: time(q.to), tz: q.tz.name().to_owned() }
    }
}

impl QuietHours {
    /// The end of the quiet hours around `t`; `None` if `t` is not quiet.
    pub fn end(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = t.with_timezone(&self.tz);
        let (time, today) = (local.time(), local.date_naive());
        let day = if self.from <= self.to {
            (self.from <= time && time < self.to).then_some(today)?
        } else if time >= self.from {
            today.checked_add_days(Days::new(1))?
        } else {
            (time < self.to).then_some(today)?
        };
        let end = day.and_time(self.to);
        let end = match self.tz.from_local_datetime(&end) {
            MappedLocalTime::Single(end) => end.to_utc(),
            // A repeated hour ends the quiet hours at its first pass, unless that is in the past.
            MappedLocalTime::Ambiguous(first, second) => {
                if first.to_utc() > t {
                    first.to_utc()
                } else {
                    second.to_utc()
                }
            }
            // A skipped hour: the instant of the change, or soon after.
            MappedLocalTime::None => {
                let later = end + TimeDelta::hours(1);
                self.tz.from_local_datetime(&later).earliest()?.to_utc()
            }
        };
        (end > t).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> QuietHours {
        serde_json::from_str(r#"{"from":"22:00","to":"07:00","tz":"America/New_York"}"#).unwrap()
    }

    fn at(s: &str) -> DateTime<Utc> {
        s.parse().unwrap()
    }

    #[test]
    fn a_night_ends_in_the_morning_of_its_zone() {
        assert_eq!(quiet().end(at("2026-11-24T04:00:00Z")), Some(at("2026-11-24T12:00:00Z")));
        assert_eq!(quiet().end(at("2026-11-24T11:59:59Z")), Some(at("2026-11-24T12:00:00Z")));
        assert_eq!(quiet().end(at("2026-11-24T12:00:00Z")), None);
        assert_eq!(quiet().end(at("2026-07-24T03:00:00Z")), Some(at("2026-07-24T11:00:00Z")));
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused() {
        let json = r#"{"from":"22:00","to":"07:00","tz":"Mars/Olympus"}"#;
        assert!(serde_json::from_str::<QuietHours>(json).is_err());
    }
}
