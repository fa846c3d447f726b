//! `/`: one page that shows the watchlist, the jobs and the alerts, made of nothing but itself.

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    App,
    problem::{Problem, Result},
};

const HTML: &str = include_str!("../page/index.html");
const CSS: &str = include_str!("../page/page.css");
const JS: &str = include_str!("../page/page.js");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(home))
}

/// The page. Its own script and style carry the nonce of this answer; nothing else may run, load
/// or be asked.
async fn home() -> Result<Response> {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let html = HTML
        .replace("{{nonce}}", &nonce)
        .replace("/* page.css */", CSS)
        .replace("/* page.js */", JS);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).map_err(|_| Problem::internal())?;
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    Ok((headers, html).into_response())
}
