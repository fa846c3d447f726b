//! Answers, and their verdicts in the ledger.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::Value;

/// The reason of the answer, for the ledger; without one, the default verdict.
#[derive(Clone, Debug)]
pub(crate) struct Verdict(pub(crate) String);

pub(crate) fn json(status: u16, body: &Value) -> Response {
    raw(status, "application/json", body.to_string())
}

pub(crate) fn raw(status: u16, content_type: &str, body: impl Into<Body>) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).expect("statuses here are three digits"))
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .expect("content types here are plain ASCII")
}

pub(crate) fn html(status: u16, body: &'static str) -> Response {
    raw(status, "text/html; charset=utf-8", body)
}

pub(crate) trait Because: Sized {
    /// `limit:…`, `refused:…`
    fn because(self, verdict: impl Into<String>) -> Self;
}

impl Because for Response {
    fn because(mut self, verdict: impl Into<String>) -> Self {
        self.extensions_mut().insert(Verdict(verdict.into()));
        self
    }
}
