//! `/metrics`: what the process counted, and how the queue stands, as Prometheus text.

use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bellwether_queue::{self as queue, inspect};
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, app::Shared};

/// How long the database may take before the process's own figures are answered without it.
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

/// A method as a label; invented ones are one series.
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

/// Everything that is counted, as Prometheus text.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "getMetrics",
    responses((status = 200, content_type = "text/plain", body = String)),
)]
async fn metrics_text(State(app): Shared) -> Response {
    let mut text = app.metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default();
    let standing = match tokio::time::timeout(PATIENCE, standing(&app)).await {
        Ok(Ok(standing)) => Some(standing),
        Ok(Err(_)) | Err(_) => None,
    };
    let mut up = Family::new("bellwether_database_up", "1 if the queue's tables could be read");
    up.add(&[], if standing.is_some() { 1.0 } else { 0.0 });
    text.push_str(&up.0);
    text.push_str(&standing.unwrap_or_default());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn standing(app: &App) -> Result<String, queue::Error> {
    let (queues, limits) =
        tokio::try_join!(inspect::queues(&app.pool), inspect::limits(&app.pool))?;
    let mut jobs = Family::new("bellwether_jobs", "Jobs by queue and state");
    let mut oldest = Family::new(
        "bellwether_queue_oldest_seconds",
        "Age of the oldest available job of each queue, 0 without one",
    );
    for queue in &queues {
        for state in queue::State::ALL {
            let depth = queue.depth.get(&state).copied().unwrap_or(0);
            jobs.add(&[("queue", &queue.name), ("state", state.as_str())], depth as f64);
        }
        oldest.add(&[("queue", &queue.name)], queue.oldest_age_s.unwrap_or(0.0));
    }
    let mut remaining =
        Family::new("bellwether_limit_remaining", "What each window of a limit key has left");
    let mut waiting = Family::new("bellwether_limit_waiting", "Jobs that wait for a limit key");
    let mut parked = Family::new("bellwether_limit_parked", "1 while a limit key is parked");
    for limit in &limits {
        for window in &limit.windows {
            let period = format!("{}s", window.period_s);
            remaining.add(
                &[("key", &limit.key), ("dimension", &window.dimension), ("period", &period)],
                window.remaining as f64,
            );
        }
        waiting.add(&[("key", &limit.key)], limit.waiting as f64);
        parked.add(&[("key", &limit.key)], if limit.parked_until.is_some() { 1.0 } else { 0.0 });
    }
    Ok([jobs, oldest, remaining, waiting, parked].map(|family| family.0).concat())
}

/// One gauge with all its series.
struct Family<'a>(String, &'a str);

impl<'a> Family<'a> {
    fn new(name: &'a str, help: &str) -> Self {
        Self(format!("# HELP {name} {help}\n# TYPE {name} gauge\n"), name)
    }

    fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        let escape = |v: &str| v.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> =
            labels.iter().map(|(name, v)| format!("{name}=\"{}\"", escape(v))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.0, "{}{labels} {value}", self.1).expect("a String takes any text");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_with_quotes_stays_one_line() {
        let mut family = Family::new("x", "help");
        family.add(&[("key", "a\"b\\c\nd")], 1.5);
        assert_eq!(family.0, "# HELP x help\n# TYPE x gauge\nx{key=\"a\\\"b\\\\c\\nd\"} 1.5\n");
    }
}
