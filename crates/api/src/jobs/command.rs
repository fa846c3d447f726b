//! Retrying and cancelling a job.

use axum::{Json, extract::State};
use bellwether_queue::{
    Error, JobId,
    control::{self, Commanded},
    inspect,
};

use super::view::Job;
use crate::{
    App,
    app::Shared,
    extract::{Id, no_job},
    problem::{Problem, ProblemKind, Result},
};

/// Makes a job available now, with one more attempt if its attempts are spent.
#[utoipa::path(
    post, path = "/api/jobs/{id}/retry", tag = "jobs", operation_id = "retryJob",
    params(("id" = String, Path)),
    responses((status = 200, body = Job)),
)]
pub(crate) async fn retry(State(app): Shared, Id(id): Id) -> Result<Json<Job>> {
    answer(&app, id, "retried", control::retry(&app.pool, id).await).await
}

/// Calls a job off: a waiting one ends at once, a running one is told to stop.
#[utoipa::path(
    post, path = "/api/jobs/{id}/cancel", tag = "jobs", operation_id = "cancelJob",
    params(("id" = String, Path)),
    responses((status = 200, body = Job)),
)]
pub(crate) async fn cancel(State(app): Shared, Id(id): Id) -> Result<Json<Job>> {
    answer(&app, id, "cancelled", control::cancel(&app.pool, id).await).await
}

async fn answer(
    app: &App,
    id: JobId,
    done: &str,
    commanded: Result<Commanded, Error>,
) -> Result<Json<Job>> {
    match commanded? {
        Commanded::Done(_) => {
            let job = inspect::find(&app.pool, id).await?.ok_or_else(|| no_job(id))?;
            Ok(Json(job.job.into()))
        }
        Commanded::NotApplicable(state) => Err(Problem::new(
            ProblemKind::NotApplicable,
            format!("job {id} is {}; it cannot be {done}", state.as_str()),
        )),
        Commanded::NotFound => Err(no_job(id)),
    }
}
