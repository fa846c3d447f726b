//! `/api/jobs` and `/jobs`: the job monitor, and adding jobs.

mod add;
mod bulk;
mod command;
mod find;
mod idempotency;
mod list;
mod view;

use std::sync::Arc;

use bellwether_queue::inspect;
use serde::Serialize;
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

/// A page of jobs in the form of `GET /api/jobs`, for callers outside the API such as the command
/// line.
pub fn job_page(page: inspect::JobPage) -> impl Serialize {
    list::JobPage::from(page)
}

/// A job as `GET /api/jobs/{id}` answers it.
pub fn job_detail(job: inspect::JobDetail) -> impl Serialize {
    view::JobDetail::from(job)
}
