//! Access to the control routes: for programs of this machine, and for no page of another site.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::problem::Problem;

/// Probes request it from other machines; it changes nothing and reveals nothing.
const HEALTH: &str = "/_sandbox/health";
/// Headers that a proxy adds: the request began on another machine.
const FORWARDED: [&str; 5] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let checked = match request.uri().path() {
        HEALTH => Ok(()),
        _ if app.options.open_control => own_page(&request).and_then(|()| json(&request)),
        _ => here(peer, &request).and_then(|()| own_page(&request)).and_then(|()| json(&request)),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Refuses requests of other machines, and those under another name that resolves to this one, by
/// which a page of another site could read the answers.
fn here(peer: SocketAddr, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let host = match headers.get(HOST) {
        Some(host) => host.to_str().ok(),
        None => request.uri().authority().map(Authority::as_str),
    };
    if peer.ip().to_canonical().is_loopback()
        && host.is_some_and(is_local)
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
    {
        return Ok(());
    }
    Err(Problem::refused(
        403,
        "control routes answer programs of this machine only: call them by 127.0.0.1, in a cluster \
         through `kubectl port-forward`, or start the sandbox with --sandbox-open-control",
    ))
}

fn own_page(request: &Request) -> Result<(), Problem> {
    let is_own = |headers: &HeaderMap| {
        headers.get_all(ORIGIN).iter().all(|origin| {
            let origin = origin.to_str().unwrap_or_default();
            ["http://", "https://"]
                .iter()
                .find_map(|scheme| origin.strip_prefix(scheme))
                .is_some_and(is_local)
        })
    };
    if is_own(request.headers()) {
        return Ok(());
    }
    Err(Problem::refused(403, "control routes answer no page of another site"))
}

/// Refuses bodies that a page of another site can send without a preflight: forms and plain text.
fn json(request: &Request) -> Result<(), Problem> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default();
    if request.method() != Method::POST || media.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::refused(415, "send JSON with `content-type: application/json`"))
}

fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().to_ascii_lowercase();
    match name.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}
