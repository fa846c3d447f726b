//! Requests that call for work: they add jobs and answer before any of it is done.

use axum::{Json, http::StatusCode};
use bellwether_queue::{self as queue, NewJob, inspect};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    App,
    jobs::{Queued, State},
    problem::{Problem, Result},
};

/// The jobs that a request has called for; one that was waiting already is named again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Triggered {
    pub(crate) jobs: Vec<Queued>,
}

pub(crate) type Accepted = (StatusCode, Json<Triggered>);

/// A job of a kind that this API itself asks for.
pub(crate) fn job(app: &App, kind: &str, args: Value) -> Result<NewJob> {
    app.registry.job(kind, args).map_err(|error| {
        tracing::error!(%error, "a route asks for a job that the kinds do not allow");
        Problem::internal()
    })
}

/// Adds the jobs together.
pub(crate) async fn add(app: &App, jobs: &[NewJob]) -> Result<Accepted> {
    if jobs.is_empty() {
        return Ok((StatusCode::ACCEPTED, Json(Triggered { jobs: Vec::new() })));
    }
    let mut tx = app.pool.begin().await.map_err(Problem::from)?;
    let enqueued = queue::add_all(&mut tx, jobs).await?;
    tx.commit().await.map_err(Problem::from)?;
    let mut answer = Vec::with_capacity(jobs.len());
    for (job, enqueued) in jobs.iter().zip(enqueued) {
        let state = if enqueued.duplicate {
            let found = inspect::find(&app.pool, enqueued.id).await?;
            found.map_or(State::Available, |found| found.job.state.into())
        } else {
            State::Available
        };
        answer.push(Queued { id: enqueued.id.to_string(), kind: job.kind.clone(), state });
    }
    Ok((StatusCode::ACCEPTED, Json(Triggered { jobs: answer })))
}
