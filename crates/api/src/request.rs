//! What every request goes through: a span, a time limit, headers, and an answer in any case.

use std::{any::Any, time::Duration};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bellwether_queue::trace::{self, TraceContext};
use tracing::{Instrument, field::Empty};

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

/// One span per request, in the trace that the caller's `traceparent` names, or in one of its own;
/// jobs that the request adds go on in it. It names the path and never the query, where a token
/// may be.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!(
        "http.request",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
        trace_id = Empty,
    );
    let here = trace::place(&span, caller(&request));
    let answer = async move {
        let response = next.run(request).await;
        let status = response.status();
        let span = tracing::Span::current();
        span.record("http.response.status_code", status.as_u16());
        if status >= StatusCode::INTERNAL_SERVER_ERROR {
            span.record("otel.status_code", "ERROR");
            tracing::warn!(http.status = status.as_u16(), "answered");
        } else {
            tracing::debug!(http.status = status.as_u16(), "answered");
        }
        response
    };
    trace::within(here, answer).instrument(span).await
}

/// Where the caller stands. What does not fit is as good as none, as W3C asks.
fn caller(request: &Request) -> Option<TraceContext> {
    let mut all = request.headers().get_all("traceparent").iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    only.to_str().ok()?.parse().ok()
}
