//! Limits: what each provider's quota has left, and stopping a key by hand.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use bellwether_queue::{inspect, limits};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    app::Shared,
    extract::{Body, Name, cut},
    page::Items,
    problem::{Problem, Result},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_limits))
        .routes(routes!(park_limit))
        .routes(routes!(resume_limit))
}

#[derive(Serialize, ToSchema)]
struct Window {
    /// requests, tokens or money.
    dimension: String,
    amount: i64,
    period_seconds: f64,
    used: i64,
    remaining: i64,
}

#[derive(Serialize, ToSchema)]
struct Limit {
    #[schema(example = "alpha_vantage")]
    key: String,
    /// A call counts from its `start` or until its `finish`.
    counts_from: String,
    windows: Vec<Window>,
    in_flight: i64,
    in_flight_cap: Option<i64>,
    /// In the past: now; `null`: once a call in flight has ended.
    next_permit_at: Option<DateTime<Utc>>,
    parked_until: Option<DateTime<Utc>>,
    parked_why: Option<String>,
    /// Jobs that wait for it.
    waiting: i64,
}

impl From<inspect::LimitView> for Limit {
    fn from(limit: inspect::LimitView) -> Self {
        let window = |w: inspect::WindowView| Window {
            dimension: w.dimension,
            amount: w.amount,
            period_seconds: w.period_s,
            used: w.used,
            remaining: w.remaining,
        };
        Self {
            key: limit.key,
            counts_from: limit.counts,
            windows: limit.windows.into_iter().map(window).collect(),
            in_flight: limit.in_flight,
            in_flight_cap: limit.in_flight_cap,
            next_permit_at: limit.next_permit_at,
            parked_until: limit.parked_until,
            parked_why: limit.parked_why,
            waiting: limit.waiting,
        }
    }
}

/// Every limit key with its windows.
#[utoipa::path(
    get, path = "/api/limits", tag = "limits", operation_id = "listLimits",
    responses((status = 200, body = Items<Limit>)),
)]
async fn list_limits(State(app): Shared) -> Result<Json<Items<Limit>>> {
    let limits = inspect::limits(&app.pool).await?;
    Ok(Json(Items::all(limits.into_iter().map(Into::into).collect())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Park {
    /// 1 second to 30 days.
    #[schema(minimum = 1, maximum = 2_592_000)]
    seconds: i64,
    /// Shown beside the key.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// Stops a key on every worker for a while; a longer park wins. A slash in the key is written
/// as `%2F`.
#[utoipa::path(
    post, path = "/api/limits/{key}/park", tag = "limits", operation_id = "parkLimit",
    params(("key" = String, Path)), request_body = Park,
    responses((status = 200, body = Limit)),
)]
async fn park_limit(
    State(app): Shared,
    Name(key): Name,
    Body(park, _): Body<Park>,
) -> Result<Json<Limit>> {
    let seconds = u64::try_from(park.seconds)
        .ok()
        .filter(|s| (1..=2_592_000).contains(s))
        .ok_or_else(|| Problem::field("seconds", "1 to 2592000 seconds, which is 30 days"))?;
    let reason = park.reason.unwrap_or_else(|| "parked by hand".to_owned());
    if reason.chars().count() > 200 {
        return Err(Problem::field("reason", "at most 200 characters"));
    }
    let mut tx = app.pool.begin().await?;
    let parked = limits::park(&mut tx, &key, Duration::from_secs(seconds), &reason).await?;
    tx.commit().await?;
    answer(&app, &key, parked.is_some()).await
}

/// Ends a park.
#[utoipa::path(
    post, path = "/api/limits/{key}/resume", tag = "limits", operation_id = "resumeLimit",
    params(("key" = String, Path)), responses((status = 200, body = Limit)),
)]
async fn resume_limit(State(app): Shared, Name(key): Name) -> Result<Json<Limit>> {
    let known = limits::resume(&app.pool, &key).await?;
    answer(&app, &key, known).await
}

async fn answer(app: &App, key: &str, known: bool) -> Result<Json<Limit>> {
    let limits = if known { inspect::limits(&app.pool).await? } else { Vec::new() };
    let limit = limits.into_iter().find(|limit| limit.key == key);
    let limit =
        limit.ok_or_else(|| Problem::not_found(format!("there is no limit {:?}", cut(key))))?;
    Ok(Json(limit.into()))
}
