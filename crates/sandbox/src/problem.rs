//! What control answers when it was asked wrongly (RFC 9457).

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::answer;

#[derive(Debug)]
pub(crate) struct Problem {
    detail: String,
    more: Value,
}

impl Problem {
    pub(crate) fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), more: json!({}) }
    }

    /// A further member that helps to ask rightly.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more[name] = value;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.more;
        body["type"] = json!("urn:bellwether:sandbox:bad-control");
        body["title"] = json!("The sandbox does not understand this");
        body["status"] = json!(400);
        body["detail"] = json!(self.detail);
        answer::raw(400, "application/problem+json", body.to_string())
    }
}
