//! Routes that add jobs of the pipeline and answer before they run.

use axum::{Json, http::StatusCode};
use bellwether_queue::{self as queue, NewJob, inspect};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    App,
    http::{
        actor::Actor,
        problem::{Problem, Result},
    },
    routes::jobs::{Queued, State},
};

/// Most jobs that an entry of the audit names.
const NAMED: usize = 20;

/// The jobs of a request; one that waited already is returned again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Triggered {
    pub(crate) jobs: Vec<Queued>,
}

pub(crate) type Accepted = (StatusCode, Json<Triggered>);

/// A job of a kind that this API itself adds.
pub(crate) fn job(app: &App, kind: &str, args: &Value) -> Result<NewJob> {
    app.registry.job(kind, args).map_err(|error| {
        tracing::error!(%error, "a route asks for a job that the kinds do not allow");
        Problem::internal()
    })
}

/// Adds the jobs together, and an entry of the audit for `action`.
pub(crate) async fn add(
    app: &App,
    actor: &Actor,
    action: &str,
    jobs: &[NewJob],
) -> Result<Accepted> {
    if jobs.is_empty() {
        return Ok((StatusCode::ACCEPTED, Json(Triggered { jobs: Vec::new() })));
    }
    let mut tx = app.pool.begin().await.map_err(Problem::from)?;
    let enqueued = queue::enqueue_all(&mut *tx, jobs).await?;
    let added: Vec<String> =
        enqueued.iter().filter(|e| !e.duplicate).map(|e| e.id.to_string()).collect();
    let named: Vec<&String> = added.iter().take(NAMED).collect();
    let after = json!({ "added": added.len(), "jobs": named });
    actor.record_audit(&mut tx, action, &jobs[0].kind, (), after).await?;
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
