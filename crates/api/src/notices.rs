//! `/api/notices`: what is simulated or switched off, and why.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_store::operator;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Notice,
    app::{Mode, Shared},
    page::Items,
    problem::Result,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_notices))
}

/// What people should know before they trust what they see: what the configuration leaves out,
/// then what a provider has refused until an operator acts.
#[utoipa::path(
    get, path = "/api/notices", tag = "product", operation_id = "listNotices",
    responses((status = 200, body = Items<Notice>)),
)]
async fn list_notices(State(app): Shared) -> Result<Json<Items<Notice>>> {
    let notes = operator::list(&app.pool).await?;
    let refused = notes.into_iter().map(|note| Notice {
        subject: note.key,
        mode: Mode::Off,
        reason: format!("{}: {}", note.reason, note.detail),
    });
    Ok(Json(Items::all(app.notices.iter().cloned().chain(refused).collect())))
}
