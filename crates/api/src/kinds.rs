//! Kinds of job: what may be enqueued, where it goes, and what its arguments look like.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::Kind;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, app::Shared, page::Items};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_kinds))
}

#[derive(Serialize, ToSchema)]
struct JobKind {
    #[schema(example = "scrape_news")]
    kind: String,
    #[schema(example = "scraper")]
    queue: String,
    /// 0 (first) to 9 (last), where a job names none.
    priority: u8,
    /// Where a job names none.
    max_attempts: u16,
    /// The JSON schema of its arguments.
    schema: Value,
}

impl From<&Kind> for JobKind {
    fn from(kind: &Kind) -> Self {
        Self {
            kind: kind.name.to_owned(),
            queue: kind.queue.to_owned(),
            priority: kind.priority,
            max_attempts: kind.max_attempts,
            schema: kind.schema(),
        }
    }
}

/// Every kind that this server knows.
#[utoipa::path(
    get, path = "/api/kinds", tag = "jobs", operation_id = "listKinds",
    responses((status = 200, body = Items<JobKind>)),
)]
async fn list_kinds(State(app): Shared) -> Json<Items<JobKind>> {
    Json(Items::all(app.registry.kinds().map(Into::into).collect()))
}
