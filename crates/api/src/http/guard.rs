//! Access control: tokens on a guarded port, this machine's own pages on an open one.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    App, Exposure, Role,
    http::{
        actor::Actor,
        exposure::{is_local_host, is_local_origin, is_origin_of},
        failures::DELAY,
        problem::{Problem, ProblemKind, Result},
        serve::Peer,
        token::short_digest,
    },
    routes::home,
};

/// The route whose role depends on its body.
const BULK: &str = "/api/jobs/bulk";
/// Headers of a request that a proxy has passed on.
const PROXIED: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
    let address = client(request.headers(), peer);
    let passed = match app.settings.exposure {
        Exposure::Open => local(&request).map(|()| Some(Actor::local())),
        Exposure::Guarded => match presented(&request, address) {
            Ok(Some(presented)) => allowed(&app, presented).await.map(Some),
            Ok(None) => Ok(None),
            Err(problem) => Err(problem),
        },
        Exposure::HealthOnly => Ok(None),
    };
    match passed {
        Ok(actor) => {
            if let Some(actor) = actor {
                request.extensions_mut().insert(actor.from(address));
            }
            next.run(request).await
        }
        Err(problem) => {
            if problem.kind() == ProblemKind::Forbidden {
                tracing::info!(client = ?address, path = request.uri().path(), "refused: {}", problem.detail());
            }
            problem.into_response()
        }
    }
}

/// The role that a request needs; `None`: no token. Decided by method and path, so that a new
/// route is guarded from its first day on: what is not named here takes an operator, and a
/// deletion an admin.
fn needed(method: &Method, path: &str) -> Option<Role> {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    let below = |roots: &[&str]| roots.iter().any(|root| path.starts_with(root));
    match path {
        "/health" | "/ready" | "/metrics" if reads => None,
        // the dashboard holds no data; it asks the API for all of it
        _ if reads && home::is_dashboard(path) => None,
        _ if reads => Some(Role::Viewer),
        // counting needs a viewer only; the handler checks the role for a real change
        BULK if method == Method::POST => Some(Role::Viewer),
        // signing out
        "/api/session" => Some(Role::Viewer),
        _ if method == Method::DELETE
            && below(&["/api/watchlist", "/api/rules/", "/api/silences/"]) =>
        {
            Some(Role::Operator)
        }
        _ if method == Method::DELETE || below(&["/api/contacts"]) => Some(Role::Admin),
        _ if method == Method::PATCH && below(&["/api/limits/"]) => Some(Role::Admin),
        _ => Some(Role::Operator),
    }
}

/// A token and the role that its request needs.
struct Presented {
    needed: Role,
    token: String,
    client: Option<IpAddr>,
}

/// The token of a request; `None` if it needs none.
fn presented(request: &Request, client: Option<IpAddr>) -> Result<Option<Presented>> {
    let Some(needed) = needed(request.method(), request.uri().path()) else { return Ok(None) };
    if home::is_navigation(request.method(), request.uri(), request.headers()) {
        return Ok(None);
    }
    let Some(token) = bearer(request.headers()) else {
        return Err(Problem::new(
            ProblemKind::Unauthorized,
            "send a token as `Authorization: Bearer …`",
        )
        .header(header::WWW_AUTHENTICATE, "Bearer realm=\"bellwether\""));
    };
    Ok(Some(Presented { needed, token, client }))
}

/// The caller by its token.
async fn allowed(app: &App, presented: Presented) -> Result<Actor> {
    let Presented { needed, token, client } = presented;
    if let Some(Err(wait)) = client.map(|client| app.failures.check(client)) {
        return Err(Problem::new(
            ProblemKind::TooManyRequests,
            format!(
                "too many unknown tokens came from this address; try again in {} seconds",
                wait.as_secs() + 1
            ),
        )
        .header(header::RETRY_AFTER, wait.as_secs() + 1));
    }
    match app.settings.tokens.find(&token) {
        None => {
            if let Some(client) = client {
                app.failures.add(client, short_digest(&token));
            }
            tokio::time::sleep(DELAY).await;
            Err(Problem::new(ProblemKind::Unauthorized, "the token is not known here").header(
                header::WWW_AUTHENTICATE,
                "Bearer realm=\"bellwether\", error=\"invalid_token\"",
            ))
        }
        Some((role, part)) => {
            let actor = Actor::of(role, part);
            actor.require_role(needed)?;
            Ok(actor)
        }
    }
}

/// The address of the caller: the connection's peer or, if that is a proxy in a private network,
/// the address that the proxy names.
fn client(headers: &HeaderMap, address: Option<IpAddr>) -> Option<IpAddr> {
    let inside = match address? {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let last = || headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok();
    let behind = || last()?.rsplit(',').next()?.trim().parse().ok();
    if inside { behind().or(address) } else { address }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// An open port answers the pages and programs of this machine only. A page of another site is
/// recognised by `Origin` or `Sec-Fetch-Site`, a page whose name was rebound to this address by
/// `Host`, and a proxied request by the proxy's headers.
fn local(request: &Request) -> Result<()> {
    let headers = request.headers();
    let foreign =
        |field: &str, detail: &str| Err(Problem::new(ProblemKind::ForeignOrigin, detail).at(field));
    if let Some(name) = PROXIED.into_iter().find(|name| headers.contains_key(*name)) {
        return foreign(
            name,
            "without tokens this port answers no proxy: set BELLWETHER_API_TOKENS",
        );
    }
    if request.version() < Version::HTTP_11 {
        return foreign(
            "version",
            "without tokens this port answers no HTTP/1.0, which proxies speak: set BELLWETHER_API_TOKENS",
        );
    }
    let own = "without tokens this port answers this machine's own pages only";
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match hosts.next() {
        Some(host) => host.to_str().ok(),
        None => request.uri().authority().map(axum::http::uri::Authority::as_str),
    };
    let Some(host) = host.filter(|host| is_local_host(host)) else { return foreign("Host", own) };
    if hosts.next().is_some() {
        return foreign("Host", "a request names one Host");
    }
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        // a page of another port may send the request, and cannot read the answer
        if !(is_origin_of(origin, host) || (reads && is_local_origin(origin))) {
            return foreign("Origin", own);
        }
    }
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|v| v == value);
    // a link that a person follows
    let navigates = reads && is("sec-fetch-mode", "navigate");
    let elsewhere =
        is("sec-fetch-site", "cross-site") || (!reads && is("sec-fetch-site", "same-site"));
    if elsewhere && !navigates {
        return foreign("Sec-Fetch-Site", own);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_client_behind_a_proxy_of_this_network_is_known_by_what_the_proxy_says() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.7, 192.0.2.8"));
        let of = |peer: &str| client(&headers, Some(peer.parse().unwrap())).unwrap().to_string();
        assert_eq!(of("10.0.0.5"), "192.0.2.8");
        assert_eq!(of("198.51.100.1"), "198.51.100.1", "it may say anything");
        let alone = client(&HeaderMap::new(), Some("10.0.0.5".parse().unwrap()));
        assert_eq!(alone.unwrap().to_string(), "10.0.0.5");
    }

    #[test]
    fn what_changes_something_needs_more_than_a_viewer() {
        assert_eq!(needed(&Method::GET, "/health"), None);
        assert_eq!(needed(&Method::GET, "/"), None);
        assert_eq!(needed(&Method::GET, "/jobs/7"), None);
        assert_eq!(needed(&Method::GET, "/assets/index-1.js"), None);
        assert_eq!(needed(&Method::GET, "/api/jobs"), Some(Role::Viewer));
        assert_eq!(needed(&Method::GET, "/nowhere"), Some(Role::Viewer));
        assert_eq!(needed(&Method::POST, "/health"), Some(Role::Operator));
        assert_eq!(needed(&Method::POST, "/jobs"), Some(Role::Operator));
        assert_eq!(needed(&Method::POST, "/api/jobs/bulk"), Some(Role::Viewer));
        assert_eq!(needed(&Method::DELETE, "/api/jobs/bulk"), Some(Role::Admin));
        assert_eq!(needed(&Method::POST, "/api/jobs/bulk/7/cancel"), Some(Role::Operator));
        assert_eq!(needed(&Method::PATCH, "/api/queues/scraper"), Some(Role::Operator));
        assert_eq!(needed(&Method::PATCH, "/api/limits/newsapi"), Some(Role::Admin));
        assert_eq!(needed(&Method::DELETE, "/api/jobs/1"), Some(Role::Admin));
        assert_eq!(needed(&Method::DELETE, "/api/new/1"), Some(Role::Admin));
        assert_eq!(needed(&Method::DELETE, "/api/session"), Some(Role::Viewer));
        assert_eq!(needed(&Method::DELETE, "/api/watchlist/AAPL"), Some(Role::Operator));
    }
}
