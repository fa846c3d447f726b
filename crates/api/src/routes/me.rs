//! `GET /api/me`: the caller as the server identifies it.

use std::sync::Arc;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, Role, http::actor::Actor};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_me))
}

/// Role of the caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
enum Allowed {
    /// Reads.
    Viewer,
    /// Also adds, retries and cancels jobs; pauses and resumes queues, schedules and limits.
    Operator,
    /// Also changes limits and deletes.
    Admin,
}

#[derive(Serialize, ToSchema)]
struct Me {
    /// As in the audit.
    #[schema(example = "operator/2")]
    name: String,
    role: Allowed,
}

/// Returns name and role of the caller.
#[utoipa::path(
    get, path = "/api/me", tag = "audit", operation_id = "getMe",
    responses((status = 200, body = Me)),
)]
async fn get_me(actor: Actor) -> Json<Me> {
    let role = match actor.role() {
        Role::Viewer => Allowed::Viewer,
        Role::Operator => Allowed::Operator,
        Role::Admin => Allowed::Admin,
    };
    Json(Me { name: actor.name().to_owned(), role })
}
