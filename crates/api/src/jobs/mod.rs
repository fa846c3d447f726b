//! `/api/jobs` and `/jobs`: the job monitor, and the door through which jobs come in.

mod add;
mod bulk;
mod command;
mod find;
mod idempotency;
mod list;
mod view;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use view::{Queued, State};

use crate::App;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(add::add_job))
        .routes(routes!(list::list_jobs))
        .routes(routes!(find::find_job))
        .routes(routes!(find::why))
        .routes(routes!(command::retry))
        .routes(routes!(command::cancel))
        .routes(routes!(bulk::start))
        .routes(routes!(bulk::find))
        .routes(routes!(bulk::cancel))
}
