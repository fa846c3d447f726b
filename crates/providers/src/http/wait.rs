//! Waits and times in a provider's headers.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::HeaderMap;

/// The longest wait that a `Retry-After` can ask for.
pub const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Wait that a `Retry-After` asks for, counted from `now`: seconds or an HTTP date; a time in the
/// past is zero, an absurd one is [`LONGEST_WAIT`]. `None` if it is neither.
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

/// A length with its units, such as `47.2s`, `872.4ms` or `1h2m3.5s`; negative ones as zero, at most
/// [`LONGEST_WAIT`].
pub(crate) fn length(value: &str) -> Option<Duration> {
    let value = value.trim();
    let (is_negative, mut rest) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?);
        let (unit, tail) =
            tail.split_at(tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len()));
        seconds += number.parse::<f64>().ok()? * unit_seconds(unit)?;
        rest = tail;
    }
    let seconds = if is_negative { 0.0 } else { seconds };
    Some(Duration::from_secs_f64(seconds.min(LONGEST_WAIT.as_secs_f64())))
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "d" => 86_400.0,
        "h" => 3_600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

/// The length that follows `words` in a text: "Please retry in 47.2s."
pub(crate) fn told(text: &str, words: &str) -> Option<Duration> {
    let word = text.split(words).nth(1)?.split_whitespace().next()?;
    length(word.trim_end_matches(['.', ',']))
}

/// Time until a full window is free again, by the headers that chat servers send with an answer.
pub(super) fn reset(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: String| headers.get(name.as_str())?.to_str().ok().map(str::trim);
    ["requests", "tokens"]
        .iter()
        .filter(|of| text(format!("x-ratelimit-remaining-{of}")) == Some("0"))
        .filter_map(|of| text(format!("x-ratelimit-reset-{of}")))
        .filter_map(|reset| length(reset).or_else(|| seconds(reset)))
        .max()
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

    #[test]
    fn a_length_has_units_and_is_never_negative_or_absurd() {
        let cases = [
            ("47s", Some(47_000)),
            ("47.2s", Some(47_200)),
            ("872.4ms", Some(872)),
            ("6m0s", Some(360_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("-3s", Some(0)),
            ("9999999999999h", Some(86_400_000)),
            ("47", None),
            ("s", None),
            ("1.2.3s", None),
            ("3 s", None),
            ("5parsecs", None),
            ("", None),
            ("-", None),
        ];
        for (value, expected) in cases {
            let ms = length(value).map(|length| length.as_millis());
            assert_eq!(ms, expected, "{value:?}");
        }
        let told = |text| told(text, "retry in ").map(|length| length.as_millis());
        assert_eq!(told("Slow down. Please retry in 57.2ms."), Some(57));
        assert_eq!(told("Please retry in 21h34m51.5s"), Some(77_691_500));
        assert_eq!(told("Please retry in a minute"), None);
        assert_eq!(told("Please retry in 1 minute"), None);
        assert_eq!(told("Please retry"), None);
    }

    #[test]
    fn a_window_that_is_used_up_says_when_it_is_free() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            reset(&headers).map(|length| length.as_millis())
        };
        let requests = ("x-ratelimit-remaining-requests", "0");
        let tokens = ("x-ratelimit-remaining-tokens", "0");
        let soon = ("x-ratelimit-reset-requests", "20s");
        let late = ("x-ratelimit-reset-tokens", "6m0s");
        assert_eq!(of(&[requests, soon, late]), Some(20_000), "tokens are left");
        assert_eq!(of(&[requests, tokens, soon, late]), Some(360_000));
        assert_eq!(of(&[requests, ("x-ratelimit-reset-requests", "7")]), Some(7_000));
        assert_eq!(of(&[soon, late]), None);
        assert_eq!(of(&[requests]), None);
    }
}
