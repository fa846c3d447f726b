//! Retry and cancellation of a job.

use axum::{Json, extract};
use bellwether_queue::{
    JobId, State,
    control::{self, Commanded},
    inspect,
};

use serde_json::{Value, json};

use super::view::Job;
use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{Id, no_job},
        problem::{Problem, ProblemKind, Result},
    },
};

/// Makes a job available now, with one more attempt if its attempts are spent. A job that was
/// cancelled while it waited for others becomes `pending` if any of them is going to run.
#[utoipa::path(
    post, path = "/api/jobs/{id}/retry", tag = "jobs", operation_id = "retryJob",
    params(("id" = String, Path, example = "4711")),
    responses(
        (status = 200, body = Job),
        (status = 409, description = "`/problems/not-applicable`: the job's state does not allow it"),
    ),
)]
pub(crate) async fn retry(
    extract::State(app): Shared,
    actor: Actor,
    Id(id): Id,
) -> Result<Json<Job>> {
    let before = known(&app, id).await?;
    let mut tx = app.pool.begin().await?;
    let now = applied(id, "retried", control::retry(&mut *tx, id).await?)?;
    actor
        .record_audit(&mut tx, "job.retry", &id.to_string(), before, json!({ "state": now }))
        .await?;
    tx.commit().await?;
    answer(&app, id).await
}

/// Cancels a job: a waiting one ends at once, the attempt of a running one is asked to stop.
#[utoipa::path(
    post, path = "/api/jobs/{id}/cancel", tag = "jobs", operation_id = "cancelJob",
    params(("id" = String, Path, example = "4711")),
    responses(
        (status = 200, body = Job),
        (status = 409, description = "`/problems/not-applicable`: the job's state does not allow it"),
    ),
)]
pub(crate) async fn cancel(
    extract::State(app): Shared,
    actor: Actor,
    Id(id): Id,
) -> Result<Json<Job>> {
    let before = known(&app, id).await?;
    let mut tx = app.pool.begin().await?;
    let now = applied(id, "cancelled", control::cancel(&mut *tx, id).await?)?;
    actor
        .record_audit(&mut tx, "job.cancel", &id.to_string(), before, json!({ "state": now }))
        .await?;
    tx.commit().await?;
    answer(&app, id).await
}

/// The job before the change, as the audit keeps it.
async fn known(app: &App, id: JobId) -> Result<Value> {
    let job = inspect::find(&app.pool, id).await?.ok_or_else(|| no_job(id))?.job;
    Ok(json!({ "state": job.state, "kind": job.kind, "attempt": job.attempt }))
}

async fn answer(app: &App, id: JobId) -> Result<Json<Job>> {
    let job = inspect::find(&app.pool, id).await?.ok_or_else(|| no_job(id))?;
    Ok(Json(job.job.into()))
}

fn applied(id: JobId, done: &str, commanded: Commanded) -> Result<State> {
    match commanded {
        Commanded::Done(state) => Ok(state),
        Commanded::NotApplicable(state) => Err(Problem::new(
            ProblemKind::NotApplicable,
            format!("job {id} is {}; it cannot be {done}", state.as_str()),
        )),
        Commanded::NotFound => Err(no_job(id)),
    }
}
