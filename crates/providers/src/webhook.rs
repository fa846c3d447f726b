//! The operator's webhook: posts one JSON payload, with a key that makes repetitions harmless.

use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::{
    Channel, Message, Pending,
    catalog::{Counted, Entry, Serves, TIMEOUT},
    error::{ConfigError, Result, Scope, StopReason},
    http::{Answer, Http, Lost, Reach},
    permit::Permit,
};

const KEY: &str = "webhook";

pub static ENTRY: Entry = Entry {
    name: KEY,
    prefix: "ALERT_WEBHOOK",
    base_url: None,
    imitation: "webhook",
    plan: "10/1s",
    counted: Counted::Start { guard: Duration::from_millis(500) },
    timeout: TIMEOUT,
    serves: Serves::Messages,
    off: "no webhook is called",
};

const EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Clone)]
pub struct Settings {
    /// https, or http on this machine, and no link-local address. The address of a webhook often
    /// contains its password.
    pub url: SecretString,
    pub timeout: Duration,
}

#[derive(Debug)]
pub struct Webhook {
    http: Http,
    url: SecretString,
}

/// Answer of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub status: u16,
}

impl Channel for Webhook {
    fn key(&self) -> &'static str {
        KEY
    }

    fn send<'a>(&'a self, message: &'a Message, permit: &'a dyn Permit) -> Pending<'a, String> {
        Box::pin(async move {
            // a repetition carries the same key, so that the receiver acts once
            self.send(&message.payload, &message.identity, permit).await?;
            Ok(message.identity.clone())
        })
    }
}

impl Webhook {
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let refuse = |problem: &str| ConfigError { setting: KEY, problem: problem.into() };
        let url = Url::parse(settings.url.expose_secret())
            .map_err(|_| refuse("the address is not one"))?;
        let secrets = secrets(&settings.url, &url);
        let http = Http::new(KEY, KEY, &url, settings.timeout, secrets, EVERY, Reach::Receiver)?;
        Ok(Self { http, url: url.to_string().into() })
    }

    /// Posts `payload`. A receiver that honours `Idempotency-Key` acts once for each key, so that a
    /// lost answer may be repeated.
    pub async fn send(
        &self,
        payload: &Value,
        idempotency_key: &str,
        permit: &dyn Permit,
    ) -> Result<Sent> {
        let key = HeaderValue::from_str(idempotency_key)
            .map_err(|_| self.http.refused("bad_request", "the idempotency key is no header"))?;
        let url = self.url.expose_secret().parse().expect("new has parsed it");
        let request = self.http.post(url).header("Idempotency-Key", key).json(payload);
        self.http.ask(request, Lost::Repeatable, permit, |answer| self.sent(answer)).await
    }

    fn sent(&self, answer: &Answer) -> Result<Sent> {
        let detail = answer.told();
        Err(match classify(answer.status, answer.retry_after.is_some()) {
            Class::Accepted => return Ok(Sent { status: answer.status }),
            Class::Throttled => self.http.throttled(answer.retry_after, Scope::Unknown, &detail),
            Class::BadKey => self.http.stopped(StopReason::BadKey, &detail),
            Class::Refused(reason) => self.http.refused(reason, &detail),
            Class::Transient => self.http.transient(&detail),
        })
    }
}

/// The address, and those parts of it that may be a password: an error may contain one of them
/// alone.
fn secrets(whole: &SecretString, url: &Url) -> Vec<SecretString> {
    let long = |text: &&str| text.len() >= 8;
    let values: Vec<_> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
    let parts = [url.path(), url.query().unwrap_or_default(), url.password().unwrap_or_default()]
        .into_iter()
        .chain(url.path_segments().into_iter().flatten())
        .chain(values.iter().map(String::as_str))
        .filter(long)
        .map(|part| SecretString::from(part.to_owned()));
    std::iter::once(whole.clone()).chain(parts).collect()
}

/// Class of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Accepted,
    Throttled,
    BadKey,
    Refused(&'static str),
    Transient,
}

/// `asks_to_wait`: true if the answer has a `Retry-After`.
pub fn classify(status: u16, asks_to_wait: bool) -> Class {
    match status {
        200..300 => Class::Accepted,
        300..=399 => Class::Refused("redirect"),
        401 | 403 => Class::BadKey,
        404 | 410 => Class::Refused("gone"),
        429 => Class::Throttled,
        503 if asks_to_wait => Class::Throttled,
        408 | 425 | 500.. => Class::Transient,
        _ => Class::Refused("bad_request"),
    }
}
