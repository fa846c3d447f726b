//! Errors of the control routes (RFC 9457).

use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::answer;

#[derive(Debug)]
pub(crate) struct Problem {
    status: u16,
    detail: String,
    more: Value,
}

impl Problem {
    pub(crate) fn new(detail: impl Into<String>) -> Self {
        Self::refused(400, detail)
    }

    pub(crate) fn refused(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), more: json!({}) }
    }

    /// A further member that helps the caller.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more[name] = value;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.more;
        let (kind, title) = match self.status {
            403 => ("foreign-control", "The sandbox does not take this from there"),
            _ => ("bad-control", "The sandbox does not understand this"),
        };
        body["type"] = json!(format!("urn:bellwether:sandbox:{kind}"));
        body["title"] = json!(title);
        body["status"] = json!(self.status);
        body["detail"] = json!(self.detail);
        answer::raw(self.status, "application/problem+json", body.to_string())
    }
}
