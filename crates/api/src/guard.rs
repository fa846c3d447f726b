//! Who may pass: tokens on a guarded port, this machine's own pages on an open one.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    App, Exposure, Role,
    actor::Actor,
    exposure::{is_local_host, is_local_origin},
    home,
    problem::{Problem, ProblemKind, Result},
    token::fingerprint,
};

/// The one route that takes a token in its query, because a browser's EventSource sets no headers.
pub(crate) const EVENTS: &str = "/api/events";
/// The one route that needs more or less by what it is asked.
const BULK: &str = "/api/jobs/bulk";

pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let passed = match app.settings.exposure {
        Exposure::Open => local(request.headers(), request.uri()).map(|()| Some(Actor::local())),
        Exposure::Guarded => allowed(&app, &request),
        Exposure::HealthOnly => Ok(None),
    };
    match passed {
        Ok(actor) => {
            if let Some(actor) = actor {
                request.extensions_mut().insert(actor);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// What a request needs; `None`: nothing. Decided by method and path, so that a new route is
/// guarded before anybody thinks of it.
fn needed(method: &Method, path: &str) -> Option<Role> {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    match path {
        "/health" | "/ready" | "/metrics" if reads => None,
        // the dashboard holds no data; it asks the API for all of it
        _ if reads && home::is_dashboard(path) => None,
        _ if reads => Some(Role::Viewer),
        // it counts for whoever may read; what it changes it asks for itself
        BULK if method == Method::POST => Some(Role::Viewer),
        _ if method == Method::DELETE => Some(Role::Admin),
        _ if method == Method::PATCH && path.starts_with("/api/limits/") => Some(Role::Admin),
        _ => Some(Role::Operator),
    }
}

/// Who it is; `None` where nobody is asked.
fn allowed(app: &App, request: &Request) -> Result<Option<Actor>> {
    let Some(needed) = needed(request.method(), request.uri().path()) else { return Ok(None) };
    let token = bearer(request.headers()).or_else(|| query_token(request.uri()));
    let Some(token) = token else {
        return Err(Problem::new(
            ProblemKind::Unauthorized,
            "send a token as `Authorization: Bearer …`",
        )
        .header(header::WWW_AUTHENTICATE, "Bearer realm=\"bellwether\""));
    };
    match app.settings.tokens.role(&token) {
        None => Err(Problem::new(ProblemKind::Unauthorized, "the token is not known here").header(
            header::WWW_AUTHENTICATE,
            "Bearer realm=\"bellwether\", error=\"invalid_token\"",
        )),
        Some(role) => {
            let actor = Actor::of(role, &fingerprint(&token));
            actor.needs(needed)?;
            Ok(Some(actor))
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn query_token(uri: &Uri) -> Option<String> {
    if uri.path() != EVENTS {
        return None;
    }
    url::form_urlencoded::parse(uri.query()?.as_bytes())
        .find_map(|(name, value)| (name == "access_token").then(|| value.into_owned()))
}

/// An open port answers the pages and programs of this machine only: a page from elsewhere names
/// itself in `Origin`, and one that has bent its own name to this address names it in `Host`.
fn local(headers: &HeaderMap, uri: &Uri) -> Result<()> {
    let foreign = |field: &str| {
        Problem::new(
            ProblemKind::ForeignOrigin,
            "without tokens this port answers this machine's own pages only",
        )
        .at(field)
    };
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(axum::http::uri::Authority::as_str),
    };
    if !host.is_some_and(is_local_host) {
        return Err(foreign("Host"));
    }
    let origins = headers.get_all(header::ORIGIN);
    if origins.iter().any(|o| !o.to_str().is_ok_and(is_local_origin)) {
        return Err(foreign("Origin"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
