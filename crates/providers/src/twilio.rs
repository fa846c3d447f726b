//! Twilio: sends one text message. There is no documented idempotency key, so a lost answer is
//! unknown; a nonce in the body lets the message be found again.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::header::CONNECTION;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use crate::{
    Channel, Message, Pending,
    catalog::{Counted, Entry, Serves, TIMEOUT},
    error::{ConfigError, Error, Result, Scope, StopReason},
    http::{self, Answer, Http, Lost, Reach},
    permit::Permit,
};

const KEY: &str = "twilio";

pub static ENTRY: Entry = Entry {
    name: KEY,
    prefix: "TWILIO",
    base_url: Some("https://api.twilio.com"),
    imitation: "twilio",
    // the provider counts one a second by its own clock
    plan: "1/1200ms",
    counted: Counted::Finish,
    timeout: TIMEOUT,
    serves: Serves::Messages,
    off: "no text messages are sent",
};

/// Longest body that the provider accepts, in characters.
pub const MAX_BODY_CHARS: usize = 1600;
/// Interval between two requests: one a second is allowed, and arrivals jitter.
const EVERY: Duration = Duration::from_millis(1200);
const VERSION: &str = "2010-04-01";

#[derive(Clone)]
pub struct Settings {
    pub base_url: Url,
    pub account_sid: String,
    pub auth_token: SecretString,
    /// A sender's number, or the sid of a messaging service (`MG…`).
    pub from: String,
    pub timeout: Duration,
}

/// Without the token, and without the user and password of an address.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &http::shown(&self.base_url))
            .field("account_sid", &self.account_sid)
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub struct Twilio {
    http: Http,
    account_sid: String,
    auth_token: SecretString,
    from: String,
}

/// A message at Twilio: accepted, not necessarily delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub sid: String,
    pub status: String,
}

impl Channel for Twilio {
    fn key(&self) -> &'static str {
        KEY
    }

    fn send<'a>(&'a self, message: &'a Message, permit: &'a dyn Permit) -> Pending<'a, String> {
        Box::pin(async move {
            let sent = self.send(&message.to, &message.text, &message.nonce, permit).await?;
            Ok(sent.sid)
        })
    }

    fn find<'a>(
        &'a self,
        to: &'a str,
        since: DateTime<Utc>,
        nonce: &'a str,
        permit: &'a dyn Permit,
    ) -> Pending<'a, Option<String>> {
        Box::pin(async move {
            let found = self.find_by_nonce(to, since, nonce, permit).await?;
            Ok(found.map(|sent| sent.sid))
        })
    }
}

impl Twilio {
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        if settings.account_sid.is_empty() {
            return Err(ConfigError { setting: KEY, problem: "the account has no sid".into() });
        }
        let auth_token = settings.auth_token.clone();
        let (base, secrets) = (&settings.base_url, vec![auth_token.clone()]);
        let http = Http::new(KEY, KEY, base, settings.timeout, secrets, EVERY, Reach::Vendor)?;
        Ok(Self {
            http,
            account_sid: settings.account_sid.clone(),
            auth_token,
            from: settings.from.clone(),
        })
    }

    /// Sends `body` with ` [#nonce]` at its end; too long a body is cut before the nonce. After
    /// [`Error::Unknown`] call [`Twilio::find_by_nonce`] before sending again.
    pub async fn send(
        &self,
        to: &str,
        body: &str,
        nonce: &str,
        permit: &dyn Permit,
    ) -> Result<Sent> {
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let body = marked(body, nonce);
        let request = self.http.post(self.messages()).form(&[
            ("To", to),
            (sender, self.from.as_str()),
            ("Body", body.as_str()),
        ]);
        let request = self.authorized(request);
        self.http.ask(request, Lost::Ambiguous, permit, |answer| self.sent(answer)).await
    }

    /// The message to `to` with `nonce`, among the thousand latest since the day of `since`.
    pub async fn find_by_nonce(
        &self,
        to: &str,
        since: DateTime<Utc>,
        nonce: &str,
        permit: &dyn Permit,
    ) -> Result<Option<Sent>> {
        let day = since.date_naive().to_string();
        let request = self.http.get(self.messages()).query(&[
            ("To", to),
            ("DateSent>", day.as_str()),
            ("PageSize", "1000"),
        ]);
        let request = self.authorized(request);
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                if let Class::Accepted = classify(answer.status, &answer.body) {
                    return find(&answer.body, &mark(nonce))
                        .map_err(|field| self.http.unusable("schema_drift", field));
                }
                Err(match self.error(answer) {
                    // a repeated look-up is harmless
                    Error::Unknown { detail } => Error::Transient { detail },
                    error => error,
                })
            })
            .await
    }

    fn messages(&self) -> Url {
        self.http.url([VERSION, "Accounts", &self.account_sid, "Messages.json"])
    }

    fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        // no kept connections: one that the server is just closing would turn a request that never
        // arrived into a lost answer
        request
            .basic_auth(&self.account_sid, Some(self.auth_token.expose_secret()))
            .header(CONNECTION, "close")
    }

    fn sent(&self, answer: &Answer) -> Result<Sent> {
        if let Class::Accepted = classify(answer.status, &answer.body) {
            let message: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
            // accepted, with an unreadable answer: the same as a lost answer
            return message_of(&message).ok_or_else(|| self.http.unknown(&answer.body));
        }
        Err(self.error(answer))
    }

    fn error(&self, answer: &Answer) -> Error {
        let detail = answer.told();
        match classify(answer.status, &answer.body) {
            Class::Throttled(scope) => self.http.throttled(answer.retry_after, scope, &detail),
            Class::BadKey => self.http.stopped(StopReason::BadKey, &detail),
            Class::Refused(reason) => self.http.refused(reason, &detail),
            Class::Accepted | Class::Unknown => self.http.unknown(&detail),
        }
    }
}

/// Class of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Accepted,
    /// Not accepted, and safe to repeat later.
    Throttled(Scope),
    BadKey,
    Refused(&'static str),
    /// It may have been accepted.
    Unknown,
}

/// Classifies an answer by its status first; codes refine it.
pub fn classify(status: u16, body: &str) -> Class {
    let code = serde_json::from_str::<Value>(body).ok().and_then(|answer| answer["code"].as_u64());
    match (status, code) {
        (200..300, _) => Class::Accepted,
        (429, _) | (400..500, Some(20429)) => Class::Throttled(Scope::Burst),
        (400..500, Some(21611 | 14107)) => Class::Throttled(Scope::Unknown),
        (401, _) | (400..500, Some(20003)) => Class::BadKey,
        (400..500, Some(21610)) => Class::Refused("unsubscribed"),
        (400..500, Some(21211)) => Class::Refused("invalid_to"),
        (400..500, Some(21212 | 21606)) => Class::Refused("invalid_from"),
        (400..500, Some(21408)) => Class::Refused("region_not_permitted"),
        (400..500, Some(21612)) => Class::Refused("unroutable"),
        (400..500, Some(21614)) => Class::Refused("not_mobile"),
        (400..500, Some(21617)) => Class::Refused("body_too_long"),
        (408 | 500.. | ..200, _) => Class::Unknown,
        (300..=399, _) => Class::Refused("redirect"),
        (400..500, _) => Class::Refused("bad_request"),
    }
}

fn mark(nonce: &str) -> String {
    format!("[#{nonce}]")
}

fn marked(body: &str, nonce: &str) -> String {
    let mark = mark(nonce);
    let room = MAX_BODY_CHARS.saturating_sub(mark.chars().count() + 1);
    let body: String = body.trim_end().chars().take(room).collect();
    format!("{body} {mark}")
}

fn message_of(message: &Value) -> Option<Sent> {
    let text = |name: &str| message[name].as_str().map(ToOwned::to_owned);
    Some(Sent { sid: text("sid")?, status: text("status")? })
}

fn find(body: &str, mark: &str) -> Result<Option<Sent>, &'static str> {
    let list: Value = serde_json::from_str(body).map_err(|_| "the list is not JSON")?;
    let messages = list["messages"].as_array().ok_or("messages is missing")?;
    messages
        .iter()
        .find(|message| message["body"].as_str().is_some_and(|body| body.contains(mark)))
        .map(|message| message_of(message).ok_or("a message without sid or status"))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_cut_so_that_its_nonce_stays() {
        let body = marked(&"ü".repeat(3000), "k3f9");
        assert_eq!(body.chars().count(), MAX_BODY_CHARS);
        assert!(body.ends_with(" [#k3f9]"));
        assert_eq!(marked("AAPL fell 12 %", "k3f9"), "AAPL fell 12 % [#k3f9]");
    }

    #[test]
    fn a_message_is_found_by_its_nonce_and_no_other() {
        let list = r#"{"messages":[{"sid":"SM1","status":"sent","body":"a [#k3f8]"},
            {"sid":"SM2","status":"delivered","body":"b [#k3f9]"}]}"#;
        let sent = Sent { sid: "SM2".into(), status: "delivered".into() };
        assert_eq!(find(list, &mark("k3f9")), Ok(Some(sent)));
        assert_eq!(find(list, &mark("k3f")), Ok(None));
        assert!(find("{}", &mark("k3f9")).is_err());
    }
}
