//! `/metrics`: the process's counters and, from the API, the cluster's figures, as Prometheus text.
//! docs/metrics.md lists every name.

mod cluster;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::cluster::Family;
use crate::{App, Service, http::app::Shared};

/// Time that the database may take before the process's own figures are answered without it.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(metrics_text))
}

/// Counts and times a request under its route, never under its path.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let method = known(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let began = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!(
        "bellwether_http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status
    )
    .increment(1);
    metrics::histogram!(
        "bellwether_http_request_seconds", "method" => method, "route" => route
    )
    .record(began.elapsed().as_secs_f64());
    response
}

/// A method as a label; unknown methods share one series.
fn known(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Returns all metrics as Prometheus text.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "getMetrics",
    responses((status = 200, content_type = "text/plain", body = String)),
)]
async fn metrics_text(State(app): Shared) -> Response {
    of_process(&app);
    let mut text = app.metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default();
    if app.settings.service == Service::Api {
        let cluster = app.figures.get(figures(&app)).await;
        let mut up =
            Family::new("bellwether_database_up", "1 if the database answered this scrape");
        up.add(&[], if cluster.is_some() { 1.0 } else { 0.0 });
        text.push_str(&up.0);
        text.push_str(&cluster.unwrap_or_default());
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn figures(app: &App) -> Option<String> {
    match tokio::time::timeout(PATIENCE, cluster::text(app)).await {
        Ok(Ok(cluster)) => Some(cluster),
        Ok(Err(error)) => {
            tracing::debug!(%error, "the cluster's figures cannot be read");
            None
        }
        Err(_) => None,
    }
}

/// Sets the gauges that no event updates, at the time of a scrape.
fn of_process(app: &App) {
    let pool = app.pool.pool();
    let idle = pool.num_idle() as f64;
    let connections =
        |state: &'static str| gauge!("bellwether_database_pool_connections", "state" => state);
    connections("idle").set(idle);
    connections("in_use").set((f64::from(pool.size()) - idle).max(0.0));
    gauge!("bellwether_database_pool_max_connections")
        .set(f64::from(pool.options().get_max_connections()));
    gauge!(
        "bellwether_build_info",
        "service" => app.settings.service.as_str(), "version" => app.settings.version.clone()
    )
    .set(1.0);
    if app.settings.service == Service::Api {
        // so that a process without clients reports 0 and not nothing
        gauge!("bellwether_sse_clients").increment(0.0);
    }
    gauge!("bellwether_process_draining").set(f64::from(u8::from(app.is_draining())));
}
