//! Layers that every request passes: a span, a time limit, headers, and an answer in any case.

use std::{
    any::Any,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bellwether_queue::trace::{self, TraceContext};
use tracing::{Instrument, field::Empty};

use crate::{
    Exposure, Service,
    http::{
        actor::Actor,
        app::Shared,
        extract::cut,
        problem::{Problem, ProblemKind},
    },
    routes::home,
};

/// Time within which an answer must begin.
const LIMIT: Duration = Duration::from_secs(15);

/// 404 for an address without a route: a browser gets the page, which shows what is missing; a
/// program gets a problem.
pub(crate) async fn no_route(State(app): Shared, request: Request) -> Response {
    let uri = request.uri();
    let pages =
        app.settings.service == Service::Api && app.settings.exposure() != Exposure::HealthOnly;
    if pages && home::is_navigation(request.method(), uri, request.headers()) {
        return home::elsewhere().await;
    }
    Problem::not_found(format!("there is no route {}", cut(uri.path()))).into_response()
}

pub(crate) async fn no_method(request: Request) -> Problem {
    let (path, method) = (request.uri().path(), request.method());
    let detail = if path == "/api/jobs" && method == Method::POST {
        "a job is added by POST /jobs".to_owned()
    } else {
        format!("{} is not for {}", cut(path), cut(method.as_str()))
    };
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

/// Headers against embedding and cross-site references; nginx sends the same for the files that it
/// serves.
const ISOLATION: [(HeaderName, &str); 3] = [
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
];

/// Forbids clients to guess an answer's type and caches to keep an answer.
pub(crate) async fn set_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    for (name, value) in ISOLATION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// One span for each request that has passed the guard, in the caller's trace (`traceparent`) or in
/// a new one; jobs that the request adds continue it. It has the path and never the query, which
/// may hold a secret.
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
    // a route without a token would let any client fill the collector
    let known = request.extensions().get::<Actor>().is_some();
    let here = trace::place(&span, caller(&request).filter(|_| known));
    let answer = async move {
        let response = next.run(request).await;
        let status = response.status();
        let span = tracing::Span::current();
        span.record("http.response.status_code", status.as_u16());
        if status >= StatusCode::INTERNAL_SERVER_ERROR {
            span.record("otel.status_code", "ERROR");
            if is_worth_a_line() {
                tracing::warn!(http.status = status.as_u16(), "answered");
            }
        } else {
            tracing::debug!(http.status = status.as_u16(), "answered");
        }
        response
    };
    trace::within(here, answer).instrument(span).await
}

/// At most one line a second about failures: an outage fails every request, and the counters have
/// them all.
fn is_worth_a_line() -> bool {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let is_due = last.is_none_or(|last| now - last >= Duration::from_secs(1));
    if is_due {
        *last = Some(now);
    }
    is_due
}

/// The caller's trace context. An invalid one is ignored, as W3C requires.
fn caller(request: &Request) -> Option<TraceContext> {
    let mut all = request.headers().get_all("traceparent").iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    only.to_str().ok()?.parse().ok()
}
