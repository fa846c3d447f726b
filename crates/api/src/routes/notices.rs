//! `/api/notices`: simulated and switched off parts, and their reasons.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_store::{operator, prune};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, Notice,
    http::{
        app::{Mode, Shared},
        page::Page,
        problem::Result,
    },
};

/// Pruning runs every night.
const PRUNE_LATE_S: f64 = 2.0 * 24.0 * 3600.0;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_notices))
}

/// Lists facts to know before trusting the pages: parts that the configuration leaves out, then
/// refusals of providers that wait for an operator.
#[utoipa::path(
    get, path = "/api/notices", tag = "product", operation_id = "listNotices",
    responses((status = 200, body = Page<Notice>)),
)]
async fn list_notices(State(app): Shared) -> Result<Json<Page<Notice>>> {
    let notes = operator::list(&app.pool).await?;
    let refused = notes.into_iter().map(|note| Notice {
        subject: note.key,
        mode: Mode::Off,
        reason: format!("{}: {}", note.reason, note.detail),
    });
    let stalled = (prune::age_seconds(&app.pool).await? > PRUNE_LATE_S).then(|| Notice {
        subject: "prune".to_owned(),
        mode: Mode::Off,
        reason:
            "nothing has been pruned for more than two days: look for jobs of the kind prune, and \
                 at whether its schedule is paused"
                .to_owned(),
    });
    let notices = app.notices.iter().cloned().chain(refused).chain(stalled);
    Ok(Json(Page::all(notices.collect())))
}
