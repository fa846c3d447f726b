//! Kinds of job: their queue, defaults and arguments.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::Kind;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{app::Shared, page::Page},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_kinds))
}

#[derive(Serialize, ToSchema)]
struct JobKind {
    #[schema(example = "scrape_news")]
    kind: String,
    #[schema(example = "scraper")]
    queue: String,
    /// 0 (first) to 9 (last), default of a job that names none.
    priority: u8,
    /// Default of a job that names none.
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
            schema: kind.schema().unwrap_or_else(|| serde_json::json!({"type": "object"})),
        }
    }
}

/// Lists every kind that this server knows.
#[utoipa::path(
    get, path = "/api/kinds", tag = "jobs", operation_id = "listKinds",
    responses((status = 200, body = Page<JobKind>)),
)]
async fn list_kinds(State(app): Shared) -> Json<Page<JobKind>> {
    Json(Page::all(app.registry.kinds().map(Into::into).collect()))
}
