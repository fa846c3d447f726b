//! Classes of answers of Gemini: a text, or one of many refusals.

use std::time::Duration;

use chrono::{DateTime, Days, LocalResult, NaiveTime, TimeZone, Utc};
use chrono_tz::America::Los_Angeles;
use serde_json::Value;

use crate::{http, reading::Usage};

/// Longest delay that means a minute's window; a longer one means a day's.
const LONGEST_MINUTE: Duration = Duration::from_mins(5);

/// Class of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Class {
    /// All parts that are not thoughts, joined.
    Text(String),
    /// This model has no quota for this key, whatever the answer says about a retry.
    NotEntitled,
    BadKey,
    ModelGone,
    /// The day's quota is used up; without `wait` until midnight Pacific.
    Day {
        wait: Option<Duration>,
    },
    Minute {
        wait: Option<Duration>,
    },
    /// A 429 without details.
    Throttled,
    /// The model does not accept the thinking settings.
    Thinking,
    /// The model refuses to answer about this article, with the provider's reason.
    Blocked(String),
    Refused(&'static str),
    Unusable(&'static str),
    Transient,
}

pub fn classify(status: u16, body: &str) -> Class {
    let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    match status {
        200..300 if answer.is_object() => content(&answer),
        200..300 if body.trim_start().starts_with('<') => Class::Unusable("html"),
        200..300 => Class::Unusable("schema_drift"),
        300..=399 => Class::Unusable("redirect"),
        429 => quota(&answer["error"]),
        400 => bad_request(&answer["error"]),
        401 | 403 => Class::BadKey,
        404 => Class::ModelGone,
        408 | 500.. => Class::Transient,
        _ => Class::Refused("bad_request"),
    }
}

/// Classifies a 429. The order of precedence: not entitled, the day's window, the minute's, no
/// details.
fn quota(error: &Value) -> Class {
    let message = error["message"].as_str().unwrap_or_default();
    if limit_is_zero(message) {
        return Class::NotEntitled;
    }
    let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
    let quotas: Vec<&str> = details
        .iter()
        .filter_map(|detail| detail["violations"].as_array())
        .flatten()
        .filter_map(|violation| violation["quotaId"].as_str())
        .collect();
    if quotas.iter().any(|id| id.contains("PerDay")) {
        return Class::Day { wait: None };
    }
    let wait = details
        .iter()
        .find_map(|detail| detail["retryDelay"].as_str())
        .and_then(|delay| http::length(delay).or_else(|| http::seconds(delay)))
        .or_else(|| http::told(message, "retry in "));
    match wait {
        Some(wait) if wait > LONGEST_MINUTE => Class::Day { wait: Some(wait) },
        None if !quotas.iter().any(|id| id.contains("PerMinute")) => Class::Throttled,
        wait => Class::Minute { wait },
    }
}

/// "limit: 0", but not "limit: 0.5" or "limit: 05".
fn limit_is_zero(message: &str) -> bool {
    message.match_indices("limit: 0").any(|(at, found)| {
        let rest = &message[at + found.len()..];
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        !rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn bad_request(error: &Value) -> Class {
    let message = error["message"].as_str().unwrap_or_default().to_lowercase();
    let reasons = error["details"].as_array().into_iter().flatten();
    if reasons.filter_map(|detail| detail["reason"].as_str()).any(|r| r == "API_KEY_INVALID")
        || message.contains("api key not valid")
    {
        Class::BadKey
    } else if error["status"] == "FAILED_PRECONDITION" {
        // no free quota in this country, or billing is off
        Class::NotEntitled
    } else if message.contains("thinking") {
        Class::Thinking
    } else {
        Class::Refused("bad_request")
    }
}

fn content(answer: &Value) -> Class {
    if let Some(reason) = answer["promptFeedback"]["blockReason"].as_str() {
        return Class::Blocked(reason.to_owned());
    }
    let Some(candidate) = answer["candidates"].get(0) else {
        return Class::Unusable("no_candidates");
    };
    match candidate["finishReason"].as_str() {
        Some("STOP") => {}
        Some("MAX_TOKENS") => return Class::Unusable("max_tokens"),
        Some(
            reason @ ("SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT"
            | "SPII"),
        ) => return Class::Blocked(reason.to_owned()),
        Some(_) => return Class::Unusable("finish_reason"),
        None => return Class::Unusable("no_finish_reason"),
    }
    let text: String = candidate["content"]["parts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|part| part["thought"] != true)
        .filter_map(|part| part["text"].as_str())
        .collect();
    if text.trim().is_empty() { Class::Unusable("no_text") } else { Class::Text(text) }
}

/// Facts in an answer beside its text.
pub(super) struct Facts {
    pub(super) usage: Option<Usage>,
    pub(super) model_version: Option<String>,
    pub(super) retirement_time: Option<DateTime<Utc>>,
}

pub(super) fn facts(body: &str) -> Facts {
    let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let tokens = &answer["usageMetadata"];
    let count = |name: &str| tokens[name].as_u64();
    Facts {
        usage: count("promptTokenCount").map(|input| {
            let output = count("candidatesTokenCount").unwrap_or(0);
            let thoughts = count("thoughtsTokenCount").unwrap_or(0);
            Usage { input, output, thoughts }.at_least(count("totalTokenCount"))
        }),
        model_version: answer["modelVersion"].as_str().map(ToOwned::to_owned),
        retirement_time: answer["modelStatus"]["retirementTime"]
            .as_str()
            .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
            .map(|time| time.to_utc()),
    }
}

/// Time until the quota's day ends: midnight in Los Angeles.
pub fn until_midnight_pacific(now: DateTime<Utc>) -> Duration {
    let tomorrow = now.with_timezone(&Los_Angeles).date_naive() + Days::new(1);
    let midnight = match Los_Angeles.from_local_datetime(&tomorrow.and_time(NaiveTime::MIN)) {
        LocalResult::Single(midnight) | LocalResult::Ambiguous(_, midnight) => midnight.to_utc(),
        LocalResult::None => now + chrono::TimeDelta::hours(24),
    };
    (midnight - now).to_std().unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_quota_ends_at_midnight_in_los_angeles() {
        let cases = [
            (Utc.with_ymd_and_hms(2026, 11, 22, 20, 0, 0), 12 * 3600),
            (Utc.with_ymd_and_hms(2026, 7, 1, 6, 59, 0), 60),
            // the day on which the clocks go back has 25 hours
            (Utc.with_ymd_and_hms(2026, 11, 1, 7, 0, 0), 25 * 3600),
            // and the one on which they go forward has 23
            (Utc.with_ymd_and_hms(2026, 3, 8, 8, 0, 0), 23 * 3600),
        ];
        for (now, seconds) in cases {
            let now = now.unwrap();
            assert_eq!(until_midnight_pacific(now), Duration::from_secs(seconds), "{now}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_told_from_a_limit_that_begins_with_zero() {
        assert!(limit_is_zero("metric: x, limit: 0, model: y"));
        assert!(limit_is_zero("limit: 0"));
        assert!(limit_is_zero("limit: 0."));
        assert!(!limit_is_zero("limit: 0.5"));
        assert!(!limit_is_zero("limit: 20"));
    }
}
