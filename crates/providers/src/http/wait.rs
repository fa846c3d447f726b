//! How long a provider asks to wait, and when it says it answered.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// The longest wait that a `Retry-After` can ask for.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How long a `Retry-After` asks to wait, counted from `now`: seconds or an HTTP date; what lies in
/// the past is zero, what is absurd is [`LONGEST_WAIT`]. `None` if it is neither.
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    seconds(value).or_else(|| {
        let wait = (http_date(value)? - now).to_std().unwrap_or(Duration::ZERO);
        Some(wait.min(LONGEST_WAIT))
    })
}

/// A number of seconds, negative ones as zero, at most [`LONGEST_WAIT`].
pub(crate) fn seconds(value: &str) -> Option<Duration> {
    let value = value.trim();
    if !value.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None; // "inf" and "nan" are numbers to the parser, not to us
    }
    let seconds: f64 = value.parse().ok()?;
    Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_WAIT.as_secs_f64())))
}

/// The three forms of a date that HTTP knows.
pub(super) fn http_date(value: &str) -> Option<DateTime<Utc>> {
    let value = value.trim();
    if let Ok(date) = DateTime::parse_from_rfc2822(value) {
        return Some(date.to_utc());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(value, form).ok())
        .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_retry_after_is_seconds_or_a_date_and_never_negative_or_absurd() {
        let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        let cases = [
            ("47", Some(47)),
            (" 3 ", Some(3)),
            ("0", Some(0)),
            ("-5", Some(0)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 22 Nov 2026 12:01:00 GMT", Some(60)),
            ("Sunday, 22-Nov-26 12:01:00 GMT", Some(60)),
            ("Sun Nov 22 12:01:00 2026", Some(60)),
            ("Sat, 21 Nov 2026 12:01:00 GMT", Some(0)),
            ("Wed, 22 Nov 2056 12:01:00 GMT", Some(86_400)),
            ("soon", None),
            ("inf", None),
            ("NaN", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after("1.5", now), Some(Duration::from_millis(1500)));
    }
}
