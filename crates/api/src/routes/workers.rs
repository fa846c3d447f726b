//! Workers: processes, their queues and versions.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::{self as queue, Db, inspect};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{app::Shared, page::Page, problem::Result},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_workers))
}

#[derive(Serialize, ToSchema)]
struct Worker {
    id: String,
    #[schema(example = "analyzer@host:4711")]
    name: String,
    version: String,
    queues: Vec<String>,
    started_at: DateTime<Utc>,
    /// Of its last heartbeat.
    beat_at: DateTime<Utc>,
    /// Attempts under way.
    running: i64,
    /// True if the other workers have declared it dead.
    dead: bool,
}

impl From<inspect::WorkerView> for Worker {
    fn from(worker: inspect::WorkerView) -> Self {
        Self {
            id: worker.id,
            name: worker.name,
            version: worker.version,
            queues: worker.queues,
            started_at: worker.started_at,
            beat_at: worker.beat_at,
            running: worker.running,
            dead: worker.dead,
        }
    }
}

/// Lists every process that works jobs.
#[utoipa::path(
    get, path = "/api/workers", tag = "workers", operation_id = "listWorkers",
    responses((status = 200, body = Page<Worker>)),
)]
async fn list_workers(State(app): Shared) -> Result<Json<Page<Worker>>> {
    Ok(Json(all(&app.pool).await?))
}

async fn all(pool: &Db) -> Result<Page<Worker>, queue::Error> {
    let workers = inspect::workers(pool).await?;
    Ok(Page::all(workers.into_iter().map(Into::into).collect()))
}

/// Every worker in the form of `GET /api/workers`, for callers outside the API.
pub async fn worker_page(pool: &Db) -> Result<impl Serialize, queue::Error> {
    all(pool).await
}
