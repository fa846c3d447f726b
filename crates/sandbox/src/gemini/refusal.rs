//! Refusals of Gemini: quotas, keys, retired models.

use axum::response::Response;
use serde_json::{Value, json};

use crate::answer::{self, Because};
use crate::app::{Arrival, Ruling};
use crate::limits::{Broken, Dimension};

pub(super) fn error(code: u16, status: &str, message: &str, details: Value) -> Response {
    let mut error = json!({"code": code, "message": message, "status": status});
    if !details.is_null() {
        error["details"] = details;
    }
    answer::json(code, &json!({"error": error})).because(format!("refused:{status}"))
}

pub(super) fn invalid(message: &str) -> Response {
    error(400, "INVALID_ARGUMENT", message, Value::Null)
}

fn key_invalid() -> Response {
    error(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }]),
    )
}

pub(super) fn gone(model: &str) -> Response {
    let message = format!(
        "models/{model} is no longer available to new users. Please update your code to use a newer \
         model for the latest features and improvements."
    );
    error(404, "NOT_FOUND", &message, Value::Null)
}

/// One quota in a 429.
struct Violation {
    id: &'static str,
    metric: &'static str,
    amount: u64,
}

const REQUESTS: &str = "generativelanguage.googleapis.com/generate_content_free_tier_requests";
const TOKENS: &str =
    "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count";
const PER_MINUTE: &str = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
const PER_DAY: &str = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
const TOKENS_PER_MINUTE: &str = "GenerateContentInputTokensPerModelPerMinute-FreeTier";

impl Violation {
    fn of(broken: &Broken) -> Self {
        let (id, metric) = match (broken.rule.dimension, broken.rule.name) {
            (Dimension::Tokens, _) => (TOKENS_PER_MINUTE, TOKENS),
            (Dimension::Requests, "rpd") => (PER_DAY, REQUESTS),
            (Dimension::Requests, _) => (PER_MINUTE, REQUESTS),
        };
        Self { id, metric, amount: broken.amount }
    }
}

fn exhausted(model: &str, violations: &[Violation], seconds: f64) -> Response {
    let mut lines = vec![
        "You exceeded your current quota, please check your plan and billing details. For more \
         information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To \
         monitor your current usage, head to: https://ai.dev/rate-limit. "
            .to_owned(),
    ];
    let mut listed = Vec::new();
    for Violation { id, metric, amount } in violations {
        lines.push(format!(
            "* Quota exceeded for metric: {metric}, limit: {amount}, model: {model}"
        ));
        let mut violation = json!({
            "quotaMetric": metric,
            "quotaId": id,
            "quotaDimensions": {"location": "global", "model": model},
        });
        if *amount != 0 {
            violation["quotaValue"] = json!(amount.to_string());
        }
        listed.push(violation);
    }
    lines.push(format!("Please retry in {seconds}s."));
    let message = lines.join("\n");
    let details = json!([
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [{
                "description": "Learn more about Gemini API quotas",
                "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
            }],
        },
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": listed},
        {
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", seconds.floor().max(1.0)),
        },
    ]);
    error(429, "RESOURCE_EXHAUSTED", &message, details)
}

/// The refusal that is sent instead of an answer, if any.
pub(super) fn refusal(arrival: &Arrival, model: &str) -> Option<Response> {
    match &arrival.ruling {
        Ruling::BadKey if arrival.identity.key.as_deref().unwrap_or("").is_empty() => {
            return Some(error(
                403,
                "PERMISSION_DENIED",
                "Method doesn't allow unregistered callers (callers without established identity). \
                 Please use API Key or other form of API consumer identity to call this API.",
                Value::Null,
            ));
        }
        Ruling::BadKey => return Some(key_invalid()),
        Ruling::Over(broken) => {
            let wait = broken.iter().map(|b| b.wait).max().unwrap_or_default();
            let violations: Vec<_> = broken.iter().map(Violation::of).collect();
            return Some(exhausted(model, &violations, wait.num_milliseconds() as f64 / 1e3));
        }
        Ruling::Admitted => {}
    }
    let minute = || Violation {
        id: PER_MINUTE,
        metric: REQUESTS,
        amount: arrival.limit_of("gemini", "rpm"),
    };
    let day =
        || Violation { id: PER_DAY, metric: REQUESTS, amount: arrival.limit_of("gemini", "rpd") };
    let nothing = || Violation { id: PER_DAY, metric: REQUESTS, amount: 0 };
    let faults: [(&str, &dyn Fn() -> Response); 9] = [
        ("F60", &|| exhausted(model, &[minute()], 47.2)),
        ("F61", &|| exhausted(model, &[day()], 47.2)),
        ("F62", &|| exhausted(model, &[minute(), day()], 47.2)),
        ("F63", &|| {
            let message = "Resource has been exhausted (e.g. check quota).";
            error(429, "RESOURCE_EXHAUSTED", message, Value::Null)
        }),
        ("F64", &|| exhausted(model, &[nothing()], 11.0)),
        ("F65", &|| {
            let message = "The model is overloaded. Please try again later.";
            error(503, "UNAVAILABLE", message, Value::Null)
        }),
        ("F71", &|| gone(model)),
        ("F72", &key_invalid),
        ("F73", &|| invalid("Thinking level is not supported for this model.")),
    ];
    let (id, body) = faults.iter().find(|(id, _)| arrival.has(id))?;
    Some(body().because(format!("fault:{id}")))
}
