//! What every request goes through: a span, a time limit, headers, and an answer in any case.

use std::{any::Any, time::Duration};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::{
    extract::cut,
    problem::{Problem, ProblemKind},
};

/// How long a request may take until its answer begins.
const LIMIT: Duration = Duration::from_secs(15);

pub(crate) async fn no_route(uri: Uri) -> Problem {
    Problem::not_found(format!("there is no route {}", cut(uri.path())))
}

pub(crate) async fn no_method(request: Request) -> Problem {
    let detail =
        format!("{} is not for {}", cut(request.uri().path()), cut(request.method().as_str()));
    Problem::new(ProblemKind::MethodNotAllowed, detail)
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    tracing::error!(panic = message, "a request panicked");
    Problem::internal().into_response()
}

pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            ProblemKind::Timeout,
            format!("no answer within {} seconds; try again", LIMIT.as_secs()),
        )
        .header(header::RETRY_AFTER, "5")
        .into_response(),
    }
}

/// Nothing is guessed about an answer's type, and no answer is kept by anybody in between.
pub(crate) async fn set_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// One span per request. It names the path and never the query, where a token may be.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!(
        "http.request",
        http.method = %request.method(),
        http.route = route,
        url.path = request.uri().path(),
    );
    async move {
        let response = next.run(request).await;
        let status = response.status();
        if status >= StatusCode::INTERNAL_SERVER_ERROR {
            tracing::warn!(http.status = status.as_u16(), "answered");
        } else {
            tracing::debug!(http.status = status.as_u16(), "answered");
        }
        response
    }
    .instrument(span)
    .await
}
