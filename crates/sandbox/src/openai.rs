//! Chat completions in the forms of OpenAI and compatible servers.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;
use axum::routing::post;
use axum::{Extension, Router};
use serde_json::{Value, json};

use crate::answer::{self, Because};
use crate::app::{App, Arrival, Ruling};
use crate::call::{Call, Identity, tokens_of};
use crate::faults::Class;
use crate::imitation::Imitation;
use crate::limits::{Rule, Scope};
use crate::model;
use crate::world::hash;

pub(crate) static IMITATION: Imitation = Imitation {
    name: "openai",
    path: Some("openai"),
    routes,
    identify,
    classes: &[Class::Http, Class::Model],
    faults: &[],
    limits: &[Rule::requests("rpm", 60, Scope::Model, 60)],
};

fn routes() -> Router<Arc<App>> {
    Router::new().route("/openai/v1/chat/completions", post(complete))
}

fn identify(call: &Call) -> Identity {
    let mut identity = Identity::of_key(call.bearer());
    if let Ok(body) = call.json() {
        identity.model = body["model"].as_str().map(str::to_owned);
        identity.tokens = tokens_of(prompt_of(&body).chars().count());
    }
    identity
}

fn prompt_of(body: &Value) -> String {
    let messages = body["messages"].as_array().into_iter().flatten();
    messages.filter_map(|m| m["content"].as_str()).collect::<Vec<_>>().join("\n")
}

fn error(status: u16, kind: &str, code: Option<&str>, message: &str) -> Response {
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    answer::json(status, &json!({"error": error})).because(format!("refused:{kind}"))
}

fn limited(kind: &str, message: &str, wait: i64) -> Response {
    let mut response = error(429, kind, Some("rate_limit_exceeded"), message);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    headers.insert("x-ratelimit-remaining-requests", HeaderValue::from(0));
    headers.insert(
        "x-ratelimit-reset-requests",
        HeaderValue::from_str(&format!("{wait}s")).expect("digits and a letter"),
    );
    response
}

fn bad_key() -> Response {
    let message = "Incorrect API key provided. You can find your API key at \
                   https://platform.openai.com/account/api-keys.";
    error(401, "invalid_request_error", Some("invalid_api_key"), message)
}

fn refusal(arrival: &Arrival) -> Option<Response> {
    let model = arrival.identity.model.as_deref().unwrap_or("");
    match &arrival.ruling {
        Ruling::BadKey => return Some(bad_key()),
        Ruling::Over(broken) => {
            let wait = broken.iter().map(|b| b.wait.num_seconds() + 1).max().unwrap_or(1);
            let message = format!("Rate limit reached for {model} on requests per min (RPM).");
            return Some(limited("requests", &message, wait));
        }
        Ruling::Admitted => {}
    }
    let faults: [(&str, &dyn Fn() -> Response); 9] = [
        ("F60", &|| limited("requests", "Rate limit reached on requests per min (RPM).", 47)),
        ("F61", &|| limited("requests", "Rate limit reached on requests per day (RPD).", 40_000)),
        ("F62", &|| limited("requests", "Rate limit reached on RPM and RPD.", 40_000)),
        ("F63", &|| error(429, "requests", None, "Too many requests")),
        ("F64", &|| {
            let message =
                "You exceeded your current quota, please check your plan and billing details.";
            error(429, "insufficient_quota", Some("insufficient_quota"), message)
        }),
        ("F65", &|| error(503, "server_error", None, "The engine is currently overloaded.")),
        ("F71", &|| {
            let message = format!("The model `{model}` does not exist.");
            error(404, "invalid_request_error", Some("model_not_found"), &message)
        }),
        ("F72", &bad_key),
        ("F73", &|| {
            let message = "Unsupported parameter: 'reasoning_effort'.";
            error(400, "invalid_request_error", Some("unsupported_parameter"), message)
        }),
    ];
    let (id, body) = faults.iter().find(|(id, _)| arrival.has(id))?;
    Some(body().because(format!("fault:{id}")))
}

async fn complete(
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    if let Some(refusal) = refusal(&arrival) {
        return refusal;
    }
    let invalid = |message: &str| error(400, "invalid_request_error", None, message);
    let body = match call.json() {
        Ok(body) => body,
        Err(error) => return invalid(&format!("We could not parse the JSON body: {error}")),
    };
    let Some(model) = body["model"].as_str() else {
        return invalid("you must provide a model parameter");
    };
    if body["messages"].as_array().is_none_or(Vec::is_empty) {
        return invalid("[] is too short - 'messages'");
    }
    let format = &body["response_format"];
    let wanted = &format["json_schema"]["schema"];
    if format["type"] == "json_schema" {
        if wanted.is_null() {
            return invalid("Missing required parameter: 'response_format.json_schema.schema'.");
        }
        if format["json_schema"]["strict"] == true
            && let Err(message) = check_strict(wanted)
        {
            return invalid(&message);
        }
    }
    let prompt = prompt_of(&body);
    let wanted = (!wanted.is_null()).then_some(wanted);
    let mut text = model::write(&arrival, model, &prompt, wanted);
    let cap = body["max_completion_tokens"].as_u64().or(body["max_tokens"].as_u64());
    let mut finish = "stop";
    if arrival.has("F68") || cap.is_some_and(|cap| tokens_of(text.chars().count()) > cap) {
        let half = text.chars().count() / 2;
        text = text.chars().take(cap.map_or(half, |cap| half.min(cap as usize * 4))).collect();
        finish = "length";
    }
    if arrival.has("F66") || arrival.has("F67") {
        text.clear();
        finish = "content_filter";
    }
    let (input, output) = (tokens_of(prompt.chars().count()), tokens_of(text.chars().count()));
    answer::json(
        200,
        &json!({
            "id": format!("chatcmpl-{:016x}", hash(prompt.as_bytes(), arrival.world.seed)),
            "object": "chat.completion",
            "created": arrival.at.timestamp(),
            "model": model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": null},
                "finish_reason": finish,
            }],
            "usage": {
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input + output,
            },
        }),
    )
}

/// Strict mode requires closed objects whose properties are all required.
fn check_strict(schema: &Value) -> Result<(), String> {
    const NAME: &str = "Invalid schema for response_format";
    let Some(properties) = schema["properties"].as_object() else {
        return schema.get("items").map_or(Ok(()), check_strict);
    };
    if schema["additionalProperties"] != false {
        return Err(format!(
            "{NAME}: 'additionalProperties' is required to be supplied and to be false."
        ));
    }
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(missing) = properties.keys().find(|name| !required.contains(&name.as_str())) {
        return Err(format!("{NAME}: 'required' is to include every key. Missing '{missing}'."));
    }
    properties.values().try_for_each(check_strict)
}
