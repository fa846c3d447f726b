//! `/api/stats`: counts and durations, by step.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::inspect;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        app::Shared,
        extract::Query,
        problem::{Problem, Result},
    },
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_stats))
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[schema(as = StatsRange)]
enum Range {
    #[serde(rename = "15m")]
    QuarterHour,
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "6h")]
    QuarterDay,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
}

impl From<Range> for inspect::Range {
    fn from(range: Range) -> Self {
        match range {
            Range::QuarterHour => Self::QuarterHour,
            Range::Hour => Self::Hour,
            Range::QuarterDay => Self::QuarterDay,
            Range::Day => Self::Day,
            Range::Week => Self::Week,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Ask {
    /// Range up to now: steps of one minute up to 1h, 5 minutes for 6h, 15 minutes for 24h, 2 hours
    /// for 7d. Default 1h.
    #[param(inline)]
    range: Option<Range>,
    /// Of this queue only.
    #[param(example = "scraper")]
    queue: Option<String>,
    /// Of this kind only.
    #[param(example = "scrape_quotes")]
    kind: Option<String>,
}

/// In milliseconds, exact to a quarter of a doubling.
#[derive(Serialize, ToSchema)]
struct Spread {
    p50: f64,
    p95: f64,
    p99: f64,
}

impl From<inspect::Spread> for Spread {
    fn from(s: inspect::Spread) -> Self {
        Self { p50: s.p50, p95: s.p95, p99: s.p99 }
    }
}

/// Counts from `at` until the next step; 0 where nothing happened.
#[derive(Serialize, ToSchema)]
struct StatsPoint {
    at: DateTime<Utc>,
    /// Jobs added.
    enqueued: u64,
    /// Attempts begun.
    started: u64,
    completed: u64,
    /// Attempts that failed and are tried again.
    failed: u64,
    discarded: u64,
    cancelled: u64,
    /// From available to claimed; `null` where no attempt began.
    wait_ms: Option<Spread>,
    /// From claimed to ended; `null` where none ended.
    run_ms: Option<Spread>,
}

/// One kind in one queue, over the whole range.
#[derive(Serialize, ToSchema)]
struct StatsKind {
    kind: String,
    queue: String,
    completed: u64,
    failed: u64,
    discarded: u64,
    wait_ms: Option<Spread>,
    run_ms: Option<Spread>,
}

#[derive(Serialize, ToSchema)]
struct Stats {
    #[schema(example = 3600)]
    range_seconds: u32,
    #[schema(example = 60)]
    step_seconds: u32,
    /// Start of the first step.
    from: DateTime<Utc>,
    /// Current time of the database: the last step has not ended.
    to: DateTime<Utc>,
    /// Every step, oldest first.
    points: Vec<StatsPoint>,
    /// The kinds with any count, by name.
    kinds: Vec<StatsKind>,
}

/// Returns counts by step, from buckets that were filled as jobs ended.
#[utoipa::path(
    get, path = "/api/stats", tag = "queues", operation_id = "showStats", params(Ask),
    responses((status = 200, body = Stats)),
)]
async fn show_stats(State(app): Shared, Query(ask): Query<Ask>) -> Result<Json<Stats>> {
    if let Some((name, reason)) = app.misnamed(ask.kind.as_deref(), ask.queue.as_deref()) {
        return Err(Problem::query(name, reason));
    }
    let range = ask.range.unwrap_or(Range::Hour);
    let stats =
        inspect::stats(&app.pool, range.into(), ask.queue.as_deref(), ask.kind.as_deref()).await?;
    Ok(Json(stats.into()))
}

impl From<inspect::Stats> for Stats {
    fn from(stats: inspect::Stats) -> Self {
        let point = |p: inspect::StatsPoint| StatsPoint {
            at: p.at,
            enqueued: p.enqueued,
            started: p.started,
            completed: p.ended.completed,
            failed: p.ended.failed,
            discarded: p.ended.discarded,
            cancelled: p.ended.cancelled,
            wait_ms: p.wait.map(Into::into),
            run_ms: p.run.map(Into::into),
        };
        let kind = |k: inspect::StatsKind| StatsKind {
            kind: k.kind,
            queue: k.queue,
            completed: k.ended.completed,
            failed: k.ended.failed,
            discarded: k.ended.discarded,
            wait_ms: k.wait.map(Into::into),
            run_ms: k.run.map(Into::into),
        };
        Self {
            range_seconds: stats.range_seconds,
            step_seconds: stats.step_seconds,
            from: stats.from,
            to: stats.to,
            points: stats.points.into_iter().map(point).collect(),
            kinds: stats.kinds.into_iter().map(kind).collect(),
        }
    }
}
