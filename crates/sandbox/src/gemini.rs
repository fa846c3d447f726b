//! Gemini: generateContent with structured output, the list of models, quotas for each model.

mod refusal;

use std::sync::Arc;

use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::answer;
use crate::app::{App, Arrival};
use crate::call::{Call, Identity, tokens_of};
use crate::faults::{Class, known};
use crate::imitation::Imitation;
use crate::limits::{HOUR, Rule, Scope};
use crate::world::hash;
use crate::{model, schema};
use refusal::{error, gone, invalid, refusal};

const MODELS: [&str; 7] = [
    "gemini-3.5-flash-lite",
    "gemini-3.5-flash",
    "gemini-3.6-flash",
    "gemini-3.7-flash",
    "gemini-3.1-flash-lite",
    "gemini-flash-latest",
    "gemini-flash-lite-latest",
];

/// Retired: new callers get 404.
const GONE: [&str; 4] =
    ["gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash", "gemini-2.0-flash-lite"];

pub(crate) static IMITATION: Imitation = Imitation {
    name: "gemini",
    path: Some("gemini"),
    routes,
    identify,
    classes: &[Class::Http, Class::Model],
    faults: &[
        known("F74", &[], "thought parts come first"),
        known("F77", &[], "retirementTime in 14 days"),
    ],
    limits: &[
        Rule::requests("rpm", 60, Scope::Model, 15),
        Rule::tokens("tpm", 60, Scope::Model, 250_000),
        Rule::requests("rpd", 24 * HOUR, Scope::Model, 500),
    ],
};

fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/gemini/v1beta/models", get(models))
        // The model and the method share a segment, separated by a colon.
        .route("/gemini/v1beta/models/{model_and_method}", post(generate))
}

fn path_of(call: &Call) -> (&str, &str) {
    let last = call.path.rsplit('/').next().unwrap_or("");
    let (model, method) =
        last.split_once(':').or_else(|| last.split_once("%3A")).unwrap_or((last, ""));
    (model, method)
}

fn identify(call: &Call) -> Identity {
    let mut identity =
        Identity::of_key(call.header("x-goog-api-key").or_else(|| call.param("key")));
    let (model, method) = path_of(call);
    if call.method != axum::http::Method::POST || method.is_empty() {
        identity.counted = false;
        return identity;
    }
    identity.model = Some(model.to_owned());
    if let Ok(body) = call.json() {
        identity.tokens = tokens_of(prompt_of(&body).chars().count());
    }
    identity
}

/// All text that the model is given.
fn prompt_of(body: &Value) -> String {
    let contents = body["contents"].as_array().into_iter().flatten();
    let texts = std::iter::once(&body["systemInstruction"])
        .chain(contents)
        .flat_map(|content| content["parts"].as_array().into_iter().flatten())
        .filter_map(|part| part["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

async fn models(Extension(arrival): Extension<Arrival>) -> Response {
    if let Some(refusal) = refusal(&arrival, "") {
        return refusal;
    }
    let models: Vec<_> = MODELS
        .iter()
        .map(|model| {
            json!({
                "name": format!("models/{model}"),
                "version": "001",
                "displayName": model,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "thinking": true,
            })
        })
        .collect();
    answer::json(200, &json!({"models": models}))
}

async fn generate(
    Extension(call): Extension<Call>,
    Extension(arrival): Extension<Arrival>,
) -> Response {
    let (model, method) = path_of(&call);
    if method != "generateContent" {
        return error(404, "NOT_FOUND", "Requested entity was not found.", Value::Null);
    }
    if let Some(refusal) = refusal(&arrival, model) {
        return refusal;
    }
    if GONE.contains(&model) || !(model.starts_with("gemini-") || model.starts_with("gemma-")) {
        return gone(model);
    }
    let body = match call.json() {
        Ok(body) => body,
        Err(error) => {
            return invalid(&format!("Invalid JSON payload received. {error}"));
        }
    };
    match check(&body) {
        Ok(()) => generated(&body, model, &arrival),
        Err(message) => invalid(&message),
    }
}

fn check(body: &Value) -> Result<(), String> {
    const TOP: [&str; 7] = [
        "contents",
        "systemInstruction",
        "generationConfig",
        "safetySettings",
        "tools",
        "toolConfig",
        "cachedContent",
    ];
    let fields = body.as_object().ok_or("Invalid JSON payload received. Expected an object.")?;
    if let Some(unknown) = fields.keys().find(|key| !TOP.contains(&key.as_str())) {
        return Err(format!(
            "Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field."
        ));
    }
    let contents = body["contents"].as_array().filter(|contents| !contents.is_empty());
    let contents =
        contents.ok_or("* GenerateContentRequest.contents: contents is not specified")?;
    if contents.iter().any(|content| content["parts"].as_array().is_none_or(Vec::is_empty)) {
        return Err("* GenerateContentRequest.contents: parts must not be empty".to_owned());
    }
    let config = &body["generationConfig"];
    let thinking = &config["thinkingConfig"];
    // All models here are of the third generation.
    if !thinking["thinkingBudget"].is_null() {
        return Err(
            "Thinking budget is not supported for this model, use thinking level.".to_owned()
        );
    }
    if !thinking["thinkingLevel"].is_null() {
        let levels = ["MINIMAL", "LOW", "MEDIUM", "HIGH"];
        let level = thinking["thinkingLevel"].as_str().unwrap_or("").to_ascii_uppercase();
        if !levels.contains(&level.as_str()) {
            return Err(format!(
                "Invalid value at 'generation_config.thinking_config.thinking_level': \"{level}\""
            ));
        }
    }
    let (subset, real) = (&config["responseSchema"], &config["responseJsonSchema"]);
    if !subset.is_null() && !real.is_null() {
        return Err("responseSchema and responseJsonSchema are mutually exclusive".to_owned());
    }
    let structured = !subset.is_null() || !real.is_null();
    if structured && config["responseMimeType"] != "application/json" {
        return Err(
            "* GenerateContentRequest.generation_config.response_schema: response_mime_type \
                    must be application/json"
                .to_owned(),
        );
    }
    if subset.is_null() {
        return Ok(());
    }
    schema::check_subset(subset, "generation_config.response_schema")
}

fn generated(body: &Value, model: &str, arrival: &Arrival) -> Response {
    let prompt = prompt_of(body);
    let config = &body["generationConfig"];
    let wanted = [&config["responseSchema"], &config["responseJsonSchema"]];
    let wanted = wanted.into_iter().find(|schema| !schema.is_null());
    let mut text = model::write(arrival, model, &prompt, wanted);
    let minimal = config["thinkingConfig"]["thinkingLevel"]
        .as_str()
        .is_some_and(|level| level.eq_ignore_ascii_case("minimal"));
    let thoughts: u64 = if minimal { 0 } else { 96 };

    let cap = config["maxOutputTokens"].as_u64().unwrap_or(65_536).saturating_sub(thoughts);
    let mut finish = "STOP";
    if arrival.has("F68") || tokens_of(text.chars().count()) > cap {
        let room = if arrival.has("F68") { text.chars().count() / 2 } else { cap as usize * 4 };
        text = text.chars().take(room).collect();
        finish = "MAX_TOKENS";
    }
    let mut parts = Vec::new();
    if arrival.has("F74") {
        let thought = "The article seems to say that {\"sentiment\": 0} would be safe.";
        parts.push(json!({"text": thought, "thought": true}));
    }
    if !text.is_empty() {
        parts.push(json!({"text": text}));
    }

    let prompt_tokens = tokens_of(prompt.chars().count());
    let mut output = tokens_of(text.chars().count());
    let mut candidate = json!({
        "content": {"role": "model", "parts": parts},
        "finishReason": finish,
        "index": 0,
        "safetyRatings": [],
    });
    if parts.is_empty() {
        candidate["content"] = json!({"role": "model"});
    }
    if let Some(fault) = arrival.fault("F67") {
        candidate = json!({"finishReason": fault.mode, "index": 0});
        output = 0;
    }
    let mut answer = json!({
        "candidates": [candidate],
        "modelVersion": model,
        "responseId": format!("{:016x}", hash(prompt.as_bytes(), arrival.world.seed)),
    });
    if let Some(fault) = arrival.fault("F66") {
        answer["promptFeedback"] = json!({"blockReason": fault.mode});
        output = 0;
        if let Some(fields) = answer.as_object_mut() {
            fields.remove("candidates");
        }
    }
    answer["usageMetadata"] = json!({
        "promptTokenCount": prompt_tokens,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": 0,
        "totalTokenCount": prompt_tokens + output + thoughts,
    });
    if arrival.has("F77") {
        let retirement = arrival.at + TimeDelta::days(14);
        answer["modelStatus"] =
            json!({"modelStage": "DEPRECATED", "retirementTime": retirement.to_rfc3339()});
    }
    answer::json(200, &answer)
}
