//! The referee, which every provider request passes: recorded and counted before it is answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::Response;
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};

use crate::answer::{self, Because, Verdict};
use crate::app::{App, Arrival, Ruling, Visit};
use crate::call::Call;
use crate::fixtures;
use crate::imitation;

const BODY_CAP: usize = 16 << 20;
const LONG: Duration = Duration::from_mins(10);

pub(crate) async fn referee(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let Some(provider) = imitation::of_path(request.uri().path()) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_CAP).await else {
        return answer::raw(413, "text/plain", "the body is larger than 16 MiB");
    };
    let query = parts.uri.query().unwrap_or("");
    let call = Call {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        target: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers.clone(),
        body,
        source: peer.ip().to_string(),
    };
    let arrival = app.arrive(Visit {
        provider,
        source: &call.source,
        method: call.method.as_str(),
        target: &call.target,
        identity: (provider.identify)(&call),
    });

    let response = if let Some(response) = early(&arrival) {
        response
    } else {
        let mut request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(arrival.clone());
        request.extensions_mut().insert(call);
        next.run(request).await
    };

    if let Some(fault) = arrival.fault("F02") {
        let held = tokio::time::sleep(fault.delay.unwrap_or(LONG));
        tokio::select! {
            () = held => {}
            () = app.stop.cancelled() => {}
        }
    } else if let Some(delay) = arrival.fired.iter().find_map(|f| f.delay) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = app.stop.cancelled() => {}
        }
    }
    let verdict = response.extensions().get::<Verdict>().map(|v| v.0.clone());
    app.close(&arrival, Some(response.status().as_u16()), verdict.as_deref());
    spoil(&app, &arrival, response).await
}

/// Faults of the network: the provider's own code does not see the request.
fn early(arrival: &Arrival) -> Option<Response> {
    if !matches!(arrival.ruling, Ruling::Admitted) {
        return None;
    }
    if let Some(fault) = arrival.fault("F06") {
        let status = fault.mode.parse().unwrap_or(503);
        return Some(answer::html(status, fixtures::BAD_GATEWAY));
    }
    if let Some(fault) = arrival.fault("F14") {
        let wait = match fault.mode {
            "date" => {
                let then = arrival.at + TimeDelta::seconds(8);
                then.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
            }
            "negative" => "-30".to_owned(),
            "absurd" => "315360000".to_owned(),
            _ => "8".to_owned(),
        };
        let mut response = answer::html(429, fixtures::BAD_GATEWAY).because("fault:F14");
        if let Ok(wait) = wait.parse() {
            response.headers_mut().insert(RETRY_AFTER, wait);
        }
        return Some(response);
    }
    arrival.has("F07").then(|| answer::html(200, fixtures::INTERSTITIAL))
}

/// Faults of the answer: the request has taken effect.
async fn spoil(app: &App, arrival: &Arrival, response: Response) -> Response {
    let broken = || std::io::Error::other("the sandbox closes this connection on purpose");
    let (mut parts, body) = response.into_parts();
    if arrival.has("F05") {
        // A body that fails before its first byte keeps the headers from being sent.
        parts.headers.remove(CONTENT_LENGTH);
        let nothing = stream::once(async move { Err::<Bytes, _>(broken()) });
        return Response::from_parts(parts, Body::from_stream(nothing));
    }
    if arrival.has("F10") {
        const CHUNK: &[u8] = &[b' '; 1 << 16];
        let chunks =
            stream::iter(0..800).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(CHUNK)));
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::from_stream(chunks));
    }
    if arrival.has("F11") {
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-16"));
    }
    if !arrival.has("F03") && !arrival.has("F04") {
        return Response::from_parts(parts, body);
    }
    let whole = axum::body::to_bytes(body, BODY_CAP).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(fault) = arrival.fault("F03") {
        let (stop, delay) = (app.stop.clone(), fault.delay.unwrap_or(LONG));
        let silence = stream::once(async move {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = stop.cancelled() => {}
            }
            Err(broken())
        });
        let body = stream::once(async move { Ok::<_, std::io::Error>(half) }).chain(silence);
        return Response::from_parts(parts, Body::from_stream(body));
    }
    Response::from_parts(parts, Body::from(half))
}
