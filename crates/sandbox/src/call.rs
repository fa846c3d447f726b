//! One request as received, and its caller.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Path and query, as sent.
    pub(crate) target: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) source: String,
}

impl Call {
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    pub(crate) fn json(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// The caller, as the provider would read it from the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) key: Option<String>,
    pub(crate) model: Option<String>,
    /// Cost of the prompt in tokens, about a quarter of its characters.
    pub(crate) tokens: u64,
    /// True if the provider accepts this key.
    pub(crate) admitted: bool,
    /// True if the request counts against a quota.
    pub(crate) counted: bool,
}

impl Identity {
    /// A caller that needs no key and has no quota.
    pub(crate) fn anonymous() -> Self {
        Self { admitted: true, ..Self::default() }
    }

    /// Every key is valid except an empty one and the word `invalid`.
    pub(crate) fn of_key(key: Option<&str>) -> Self {
        let admitted = key.is_some_and(|key| !key.trim().is_empty() && key != "invalid");
        Self { key: key.map(str::to_owned), admitted, counted: true, ..Self::default() }
    }
}

pub(crate) fn tokens_of(characters: usize) -> u64 {
    characters.div_ceil(4) as u64
}
