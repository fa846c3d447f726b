//! Queues: how deep, how old, how fast; pausing them and setting how much runs at a time.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use bellwether_queue::{control, inspect};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    app::Shared,
    extract::{Body, Name, cut},
    jobs::State as JobState,
    page::Items,
    problem::{Problem, Result},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_queues))
        .routes(routes!(change_queue))
        .routes(routes!(pause_queue))
        .routes(routes!(resume_queue))
}

/// In milliseconds, over the last hour; `null` without a job in it.
#[derive(Serialize, ToSchema)]
struct Percentiles {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl From<inspect::Percentiles> for Percentiles {
    fn from(p: inspect::Percentiles) -> Self {
        Self { p50: p.p50, p95: p.p95, p99: p.p99 }
    }
}

#[derive(Serialize, ToSchema)]
struct Queue {
    #[schema(example = "scraper")]
    name: String,
    paused: bool,
    /// Attempts that each process runs at a time; `null`: as each was started.
    concurrency: Option<u16>,
    /// Jobs in each state.
    depth: BTreeMap<JobState, i64>,
    /// Of the oldest available job.
    oldest_age_seconds: Option<f64>,
    /// Over the last five minutes.
    completed_per_minute: f64,
    /// From available to claimed.
    wait_ms: Percentiles,
    /// From claimed to ended.
    run_ms: Percentiles,
}

impl From<inspect::QueueView> for Queue {
    fn from(queue: inspect::QueueView) -> Self {
        let mut depth: BTreeMap<JobState, i64> =
            bellwether_queue::State::ALL.into_iter().map(|state| (state.into(), 0)).collect();
        depth.extend(queue.depth.into_iter().map(|(state, n)| (state.into(), n)));
        Self {
            name: queue.name,
            paused: queue.paused,
            concurrency: queue.concurrency,
            depth,
            oldest_age_seconds: queue.oldest_age_s,
            completed_per_minute: queue.completed_per_minute,
            wait_ms: queue.wait.into(),
            run_ms: queue.run.into(),
        }
    }
}

/// Every queue.
#[utoipa::path(
    get, path = "/api/queues", tag = "queues", operation_id = "listQueues",
    responses((status = 200, body = Items<Queue>)),
)]
async fn list_queues(State(app): Shared) -> Result<Json<Items<Queue>>> {
    let queues = inspect::queues(&app.pool).await?;
    Ok(Json(Items::all(queues.into_iter().map(Into::into).collect())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QueueChange {
    /// Attempts that each process runs at a time, 1 to 1,000; `null`: as each was started.
    #[serde(deserialize_with = "present")]
    #[schema(minimum = 1, maximum = 1000)]
    concurrency: Option<i64>,
}

/// `null` says something here, so that the field may not be left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::deserialize(deserializer)
}

/// Sets how much each process runs at a time; takes effect on every worker within 2 s.
#[utoipa::path(
    patch, path = "/api/queues/{name}", tag = "queues", operation_id = "changeQueue",
    params(("name" = String, Path)), request_body = QueueChange,
    responses((status = 200, body = Queue)),
)]
async fn change_queue(
    State(app): Shared,
    Name(name): Name,
    Body(change, _): Body<QueueChange>,
) -> Result<Json<Queue>> {
    let concurrency = change
        .concurrency
        .map(|n| u16::try_from(n).ok().filter(|n| (1..=1000).contains(n)).ok_or(()))
        .transpose()
        .map_err(|()| Problem::field("concurrency", "1 to 1000, or null"))?;
    let known = control::set_concurrency(&app.pool, &name, concurrency).await?;
    answer(&app, &name, known).await
}

/// Stops claims from a queue on every worker; jobs under way go on.
#[utoipa::path(
    post, path = "/api/queues/{name}/pause", tag = "queues", operation_id = "pauseQueue",
    params(("name" = String, Path)), responses((status = 200, body = Queue)),
)]
async fn pause_queue(State(app): Shared, Name(name): Name) -> Result<Json<Queue>> {
    let known = control::pause(&app.pool, &name).await?;
    answer(&app, &name, known).await
}

/// Lets a paused queue go on.
#[utoipa::path(
    post, path = "/api/queues/{name}/resume", tag = "queues", operation_id = "resumeQueue",
    params(("name" = String, Path)), responses((status = 200, body = Queue)),
)]
async fn resume_queue(State(app): Shared, Name(name): Name) -> Result<Json<Queue>> {
    let known = control::resume(&app.pool, &name).await?;
    answer(&app, &name, known).await
}

async fn answer(app: &App, name: &str, known: bool) -> Result<Json<Queue>> {
    let queues = if known { inspect::queues(&app.pool).await? } else { Vec::new() };
    let queue = queues.into_iter().find(|queue| queue.name == name);
    let queue =
        queue.ok_or_else(|| Problem::not_found(format!("there is no queue {:?}", cut(name))))?;
    Ok(Json(queue.into()))
}
