//! One job, and the reason why it is not running.

use axum::{Json, extract::State};
use bellwether_queue::inspect;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{JobDetail, State as JobState};
use crate::http::{
    app::Shared,
    extract::{Id, no_job},
    problem::Result,
};

/// Returns one job with its attempts and relatives.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "jobs", operation_id = "getJob",
    params(("id" = String, Path)),
    responses((status = 200, body = JobDetail)),
)]
pub(crate) async fn find_job(State(app): Shared, Id(id): Id) -> Result<Json<JobDetail>> {
    let job = inspect::find(&app.pool, id).await?.ok_or_else(|| no_job(id))?;
    Ok(Json(job.into()))
}

/// The dimension of a limit key that blocks.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BlockingDimension)]
enum Dimension {
    Requests,
    Tokens,
    Money,
    /// The calls in flight.
    InFlight,
    /// The key is parked.
    Park,
    /// The breaker is open.
    Breaker,
}

impl Dimension {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "requests" => Self::Requests,
            "tokens" => Self::Tokens,
            "money" => Self::Money,
            "in_flight" => Self::InFlight,
            "park" => Self::Park,
            "breaker" => Self::Breaker,
            _ => return None,
        })
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Why {
    state: JobState,
    /// The reason in one sentence.
    reason: String,
    /// The limit key that blocks.
    #[schema(example = "alpha_vantage")]
    key: Option<String>,
    /// The dimension that blocks.
    dimension: Option<Dimension>,
    /// Jobs ahead of it: exact to 1,000, then an estimate.
    position: Option<i64>,
    /// `null` if it cannot be estimated.
    estimated_start_at: Option<DateTime<Utc>>,
}

/// Returns the reason why a job is not running, its position, and its estimated start.
#[utoipa::path(
    get, path = "/api/jobs/{id}/why", tag = "jobs", operation_id = "explainJob",
    params(("id" = String, Path)),
    responses((status = 200, body = Why)),
)]
pub(crate) async fn why(State(app): Shared, Id(id): Id) -> Result<Json<Why>> {
    let why = inspect::why(&app.pool, id).await?.ok_or_else(|| no_job(id))?;
    Ok(Json(Why {
        state: why.state.into(),
        reason: why.reason,
        key: why.key,
        dimension: why.dimension.as_deref().and_then(Dimension::read),
        position: why.position,
        estimated_start_at: why.estimated_start_at,
    }))
}
