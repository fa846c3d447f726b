//! Any server with OpenAI's chat completions API: a reading of one article.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

pub use crate::reading::{Impact, Label, Prompt, Reading, Usage};

use crate::{
    Analyzer, Pending, Settings, call,
    catalog::{Counted, Entry, MODEL_TIMEOUT, Models, Serves},
    error::{ConfigError, Error, Result, Scope, StopReason},
    http::{self, Answer, Http, Lost, Reach},
    permit::Permit,
    price::Price,
    reading,
};

const NAME: &str = "openai";

pub static ENTRY: Entry = Entry {
    name: NAME,
    prefix: "OPENAI",
    base_url: None,
    imitation: "openai/v1",
    // a self-hosted server
    plan: "60/1m",
    counted: Counted::Finish,
    timeout: MODEL_TIMEOUT,
    serves: Serves::Models(Models { connect, generative: NAME, plan: |_| None }),
    off: "the lexicon reads the articles",
};

const EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct OpenAi {
    http: Http,
    key: SecretString,
    model: String,
    price: Price,
}

fn connect(
    settings: &Settings,
    model: &str,
    price: Price,
) -> Result<Box<dyn Analyzer>, ConfigError> {
    Ok(Box::new(OpenAi::new(settings, model)?.priced(price)))
}

impl Analyzer for OpenAi {
    fn key(&self) -> &str {
        self.http.key()
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn price(&self) -> Price {
        self.price
    }

    fn read<'a>(
        &'a self,
        prompt: &'a Prompt,
        repeats: u32,
        permit: &'a dyn Permit,
    ) -> Pending<'a, Reading> {
        Box::pin(self.reread(prompt, repeats, permit))
    }
}

impl OpenAi {
    /// The base address includes `/v1`; a self-hosted server may need no key: leave it empty.
    pub fn new(settings: &Settings, model: &str) -> Result<Self, ConfigError> {
        if model.trim().is_empty() {
            return Err(ConfigError { setting: NAME, problem: "the model has no name".into() });
        }
        let model = model.trim().to_owned();
        let key = settings.key.clone();
        let limit = format!("{NAME}/{model}");
        let (base, secrets) = (&settings.base_url, vec![key.clone()]);
        let http =
            Http::new(NAME, limit, base, settings.timeout, secrets, EVERY, Reach::OwnServer)?;
        Ok(Self { http, key, model, price: Price::default() })
    }

    /// Sets the price; without it, tokens cost nothing.
    #[must_use]
    pub fn priced(mut self, price: Price) -> Self {
        self.price = price;
        self
    }

    pub async fn read(&self, prompt: &Prompt, permit: &dyn Permit) -> Result<Reading> {
        self.reread(prompt, 0, permit).await
    }

    /// As [`OpenAi::read`], after `attempt` unusable answers: allows twice the tokens and tells the
    /// model that its last answer did not fit.
    pub async fn reread(
        &self,
        prompt: &Prompt,
        attempt: u32,
        permit: &dyn Permit,
    ) -> Result<Reading> {
        let mut request = self.http.post(self.http.url(["chat", "completions"])).json(&self.body(
            prompt,
            rand::random(),
            attempt,
        ));
        if !self.key.expose_secret().is_empty() {
            let mut key = HeaderValue::from_str(&format!("Bearer {}", self.key.expose_secret()))
                .map_err(|_| self.http.stopped(StopReason::BadKey, "the key cannot be a header"))?;
            key.set_sensitive(true);
            request = request.header(AUTHORIZATION, key);
        }
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                let usage = usage(&answer.body);
                if let Some(usage) = usage {
                    permit.used(usage);
                    call::spent(NAME, &self.model, usage, self.price.micros(usage));
                }
                self.reading(answer, usage, prompt)
            })
            .await
    }

    fn body(&self, prompt: &Prompt, nonce: u64, attempt: u32) -> Value {
        json!({
            "model": self.model,
            "temperature": 0,
            "max_tokens": reading::room(attempt),
            "messages": [
                {"role": "system", "content": reading::RULES},
                {"role": "user", "content": prompt.fenced(nonce, attempt)},
            ],
            "response_format": {"type": "json_schema", "json_schema": {
                "name": "sentiment", "strict": true, "schema": reading::strict_schema(),
            }},
        })
    }

    fn reading(&self, answer: &Answer, usage: Option<Usage>, prompt: &Prompt) -> Result<Reading> {
        let text = match classify(answer.status, &answer.body) {
            Class::Text(text) => text,
            class => return Err(self.error(&class, answer)),
        };
        let judgement = reading::parse(&text)
            .map_err(|problem| self.http.unusable("invalid_output", &problem))?;
        let whole: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
        let usage = usage.unwrap_or_else(|| Usage {
            input: prompt.input_tokens_at_most(),
            output: u64::from(reading::MAX_OUTPUT_TOKENS),
            thoughts: 0,
        });
        let version = whole["model"].as_str().unwrap_or(&self.model).to_owned();
        Ok(judgement.costing(usage, version, None, answer.latency))
    }

    fn error(&self, class: &Class, answer: &Answer) -> Error {
        let detail = answer.body.as_str();
        match class {
            Class::Text(_) => self.http.unusable("schema_drift", detail),
            Class::Throttled(scope) => {
                let told = || http::told(&message(&answer.body), "try again in ");
                let wait = answer.retry_after.or(answer.reset).or_else(told);
                self.http.throttled(wait, *scope, detail)
            }
            Class::Stopped(reason) => self.http.stopped(*reason, detail),
            Class::Refused(reason) => self.http.refused(reason, detail),
            Class::Unusable(reason) => self.http.unusable(reason, detail),
            Class::Transient => self.http.transient(&answer.told()),
        }
    }
}

/// Token usage that an answer reports, also one without a text.
fn usage(body: &str) -> Option<Usage> {
    let answer: Value = serde_json::from_str(body).ok()?;
    let count = |name: &str| answer["usage"][name].as_u64();
    let usage = Usage {
        input: count("prompt_tokens")?,
        output: count("completion_tokens").unwrap_or(u64::from(reading::MAX_OUTPUT_TOKENS)),
        // a part of the completion tokens or, with some servers, of the total only
        thoughts: 0,
    };
    Some(usage.at_least(count("total_tokens")))
}

/// Message of an error, in lower case.
fn message(body: &str) -> String {
    let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    answer["error"]["message"].as_str().unwrap_or_default().to_lowercase()
}

/// Class of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    Text(String),
    Throttled(Scope),
    Stopped(StopReason),
    Refused(&'static str),
    Unusable(&'static str),
    Transient,
}

pub fn classify(status: u16, body: &str) -> Class {
    let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let message = message(body);
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    match status {
        200..300 if answer.is_object() => content(&answer),
        200..300 if body.trim_start().starts_with('<') => Class::Unusable("html"),
        200..300 => Class::Unusable("schema_drift"),
        300..=399 => Class::Unusable("redirect"),
        401 | 403 => Class::Stopped(StopReason::BadKey),
        402 => Class::Stopped(StopReason::NotEntitled),
        404 => Class::Stopped(StopReason::ModelGone),
        429 if code == "insufficient_quota" => Class::Stopped(StopReason::NotEntitled),
        429 if message.contains("per day") => Class::Throttled(Scope::Day),
        429 if message.contains("per min") => Class::Throttled(Scope::Minute),
        429 => Class::Throttled(Scope::Unknown),
        408 | 409 | 500.. => Class::Transient,
        _ if code == "invalid_api_key" => Class::Stopped(StopReason::BadKey),
        _ if code == "model_not_found" => Class::Stopped(StopReason::ModelGone),
        _ if code == "context_length_exceeded" => Class::Refused("too_long"),
        _ if code == "content_filter" => Class::Refused("blocked_content_filter"),
        _ => Class::Refused("bad_request"),
    }
}

fn content(answer: &Value) -> Class {
    let Some(choice) = answer["choices"].get(0) else { return Class::Unusable("no_choices") };
    match choice["finish_reason"].as_str() {
        Some("stop") => {}
        Some("length") => return Class::Unusable("max_tokens"),
        Some("content_filter") => return Class::Refused("blocked_content_filter"),
        Some(_) => return Class::Unusable("finish_reason"),
        None => return Class::Unusable("no_finish_reason"),
    }
    let message = &choice["message"];
    if message["refusal"].as_str().is_some_and(|refusal| !refusal.is_empty()) {
        return Class::Refused("blocked_refusal");
    }
    match message["content"].as_str() {
        Some(text) if !text.trim().is_empty() => Class::Text(text.to_owned()),
        _ => Class::Unusable("no_text"),
    }
}
