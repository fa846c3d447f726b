//! The dashboard: the files of `web/dist`, and its page at each of its addresses.
//!
//! A release build carries the files; a debug build reads them from the disk, so that a new
//! dashboard needs no new server.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};
use tower_http::compression::CompressionLayer;

use crate::{
    App,
    http::{
        extract::cut,
        problem::{Problem, Result},
    },
};

#[derive(Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dashboard;

/// Addresses at which every client gets the page. A browser gets it at each address that is no
/// other route's ([`is_navigation`]). The page's own router decides what it shows there. At `/jobs`
/// a GET reads the page and a POST adds a job.
const PAGES: [&str; 6] = ["/", "/alerts", "/jobs", "/jobs/{id}", "/limits", "/system"];
/// Files beside the page that keep their name from version to version.
const FILES: [&str; 2] = ["/favicon.svg", "/theme.js"];
const ASSETS: &str = "/assets/";

const ABSENT: &str = "This build has no dashboard: run `just web` and build again.\n";

/// Content security policy: the page loads from its own server only.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
/// Cache of an asset: its name contains a digest of its content.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

pub(crate) fn routes() -> Router<Arc<App>> {
    let pages = PAGES.iter().fold(Router::new(), |routes, at| routes.route(at, get(page)));
    let files = FILES.iter().fold(pages, |routes, at| routes.route(at, get(file)));
    // per route, not over the router: a POST to `/jobs` is not affected
    files.route("/assets/{*name}", get(asset)).route_layer(CompressionLayer::new())
}

/// Returns true if the dashboard answers a path, for any client.
pub(crate) fn is_dashboard(path: &str) -> bool {
    path.starts_with(ASSETS)
        || FILES.contains(&path)
        || PAGES.iter().any(|page| {
            let (mut wanted, mut given) = (page.split('/'), path.split('/'));
            wanted.by_ref().all(|w| {
                given.next().is_some_and(|g| w == g || (w.starts_with('{') && !g.is_empty()))
            }) && given.next().is_none()
        })
}

/// Returns true if a browser opens an address that the page may know: one outside the API and the
/// assets.
pub(crate) fn is_navigation(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let path = uri.path();
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|v| v.contains("text/html"));
    [Method::GET, Method::HEAD].contains(method)
        && path != "/api"
        && !path.starts_with("/api/")
        && !path.starts_with(ASSETS)
        && headers.get_all(header::ACCEPT).iter().any(accepts)
}

/// The page for an address that only the page's own router knows.
pub(crate) async fn elsewhere() -> Response {
    let mut response = page().await;
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

async fn page() -> Response {
    page_of(Dashboard::get("index.html"))
}

fn page_of(index: Option<EmbeddedFile>) -> Response {
    let Some(index) = index else {
        return (StatusCode::SERVICE_UNAVAILABLE, ABSENT).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, ASK_AGAIN),
    ];
    (headers, bytes(index)).into_response()
}

async fn file(uri: Uri) -> Result<Response> {
    served(uri.path().trim_start_matches('/'), ASK_AGAIN)
}

async fn asset(Path(name): Path<String>) -> Result<Response> {
    served(&format!("assets/{name}"), FOREVER)
}

fn served(name: &str, keep: HeaderValue) -> Result<Response> {
    let Some((file, kind)) = Dashboard::get(name).zip(content_type(name)) else {
        return Err(Problem::not_found(format!("the dashboard has no {}", cut(name))));
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, keep),
    ];
    Ok((headers, bytes(file)).into_response())
}

fn bytes(file: EmbeddedFile) -> axum::body::Bytes {
    match file.data {
        Cow::Borrowed(data) => axum::body::Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    }
}

/// Content types of the dashboard's files; other files are not served.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_is_its_pages_and_files_and_nothing_under_api() {
        for path in ["/", "/alerts", "/jobs", "/jobs/12", "/theme.js", "/assets/index-1.js"] {
            assert!(is_dashboard(path), "{path}");
        }
        for path in ["", "//", "/jobs/", "/jobs/12/why", "/api", "/api/jobs", "/health", "/assets"]
        {
            assert!(!is_dashboard(path), "{path}");
        }
    }

    #[tokio::test]
    async fn a_build_without_a_dashboard_says_how_to_get_one() {
        let answer = page_of(None);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = axum::body::to_bytes(answer.into_body(), 1024).await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains("run `just web`"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}
