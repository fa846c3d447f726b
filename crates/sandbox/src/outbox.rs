//! What left the system under test and reached people: texts, mails, webhook calls.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sms {
    pub(crate) sid: String,
    pub(crate) account: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) to: String,
    pub(crate) from: Option<String>,
    pub(crate) messaging_service_sid: Option<String>,
    pub(crate) body: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Email {
    pub(crate) at: DateTime<Utc>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) subject: Option<String>,
    /// The message after dot-unstuffing: headers, empty line, body.
    pub(crate) raw: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Hook {
    pub(crate) at: DateTime<Utc>,
    pub(crate) path: String,
    pub(crate) idempotency_key: Option<String>,
    /// The body as JSON, or as a string if it is not JSON.
    pub(crate) payload: Value,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Outbox {
    pub(crate) sms: Vec<Sms>,
    pub(crate) email: Vec<Email>,
    pub(crate) webhook: Vec<Hook>,
}
