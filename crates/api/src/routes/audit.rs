//! `/api/audit`: operators' actions on jobs, queues, limits and schedules.

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::audit;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        app::Shared,
        extract::Query,
        page::{AUDIT, Page, Paging},
        problem::Result,
    },
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

/// One action of a caller.
#[derive(Serialize, ToSchema)]
struct AuditEntry {
    id: String,
    at: DateTime<Utc>,
    /// The role and the token's place in the configuration, `cli`, or `local` where no tokens are
    /// asked for.
    #[schema(example = "operator/2")]
    actor: String,
    /// The resource and the verb.
    #[schema(example = "queue.pause")]
    action: String,
    /// The id or the name of what was changed.
    #[schema(example = "scraper")]
    subject: String,
    /// `before` and `after`, as far as the action has them, and the `address` of the caller.
    detail: Value,
}

impl From<audit::Entry> for AuditEntry {
    fn from(entry: audit::Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}

/// Lists the actions of callers, newest first.
#[utoipa::path(
    get, path = "/api/audit", tag = "audit", operation_id = "listAudit",
    params(Paging), responses((status = 200, body = Page<AuditEntry>)),
)]
async fn list_audit(
    State(app): Shared,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AuditEntry>>> {
    let (limit, before) = (paging.limit()?, paging.id(&AUDIT)?);
    let entries = audit::list(&app.pool, before, limit + 1).await?;
    Ok(Json(Page::from_rows(&AUDIT, entries, limit, |e| e.id.to_string())))
}
