//! One command to every job that fits a filter: counted first, then done step by step.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bellwether_queue::{
    JobId,
    bulk::{self, Progress},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::State as JobState;
use crate::{
    App, Role,
    actor::Actor,
    app::Shared,
    extract::{Body, cut, time},
    problem::{Problem, ProblemKind, Result},
};

/// How long a request waits for the end of what it began.
const PATIENCE: Duration = Duration::from_secs(2);
/// Jobs that a filter may name by their ids.
const IDS: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkAction)]
enum Action {
    /// Makes each job available now.
    Retry,
    /// Calls each job off; a running one is told to stop.
    Cancel,
    /// Removes finished and waiting jobs with all that belongs to them. Running ones are skipped.
    Delete,
}

impl From<Action> for bulk::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Retry => Self::Retry,
            Action::Cancel => Self::Cancel,
            Action::Delete => Self::Delete,
        }
    }
}

impl From<bulk::Action> for Action {
    fn from(action: bulk::Action) -> Self {
        match action {
            bulk::Action::Retry => Self::Retry,
            bulk::Action::Cancel => Self::Cancel,
            bulk::Action::Delete => Self::Delete,
        }
    }
}

/// All conditions must hold, as in the list of jobs. It names at least one.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkFilter)]
struct Filter {
    state: Option<JobState>,
    #[schema(example = "scrape_news")]
    kind: Option<String>,
    queue: Option<String>,
    tag: Option<String>,
    /// Text that the arguments, the unique key or the last error contain.
    q: Option<String>,
    /// Created at or after.
    #[serde(default, deserialize_with = "time")]
    from: Option<DateTime<Utc>>,
    /// Created before.
    #[serde(default, deserialize_with = "time")]
    to: Option<DateTime<Utc>>,
    /// Only these, 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000, example = json!(["4711"]))]
    ids: Option<Vec<String>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkRequest)]
pub(crate) struct Request {
    action: Action,
    filter: Filter,
    /// Counts only. Left out: false.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkState)]
enum BulkState {
    Running,
    Done,
    /// Called off; what it had changed stays changed.
    Cancelled,
}

/// A command to many jobs, and how far it has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bulk {
    /// `null` for a dry run.
    id: Option<String>,
    action: Action,
    dry_run: bool,
    /// How many jobs fitted when it began and are in a state that it can change; exact.
    #[schema(example = 128)]
    matched: i64,
    changed: i64,
    /// They fitted, but could not be changed: jobs whose unique key another job has, jobs that moved
    /// on meanwhile.
    skipped: i64,
    state: BulkState,
}

impl From<bulk::Bulk> for Bulk {
    fn from(bulk: bulk::Bulk) -> Self {
        Self {
            id: Some(bulk.id.to_string()),
            action: bulk.action.into(),
            dry_run: false,
            matched: bulk.matched,
            changed: bulk.changed,
            skipped: bulk.skipped,
            state: match bulk.state {
                Progress::Running => BulkState::Running,
                Progress::Done => BulkState::Done,
                Progress::Cancelled => BulkState::Cancelled,
            },
        }
    }
}

/// Retries, cancels or deletes every job that fits. With `dry_run` it counts those that it would change,
/// exactly; without it changes the jobs that exist at this moment, in short steps. Waiting and running
/// jobs are not retried, ended ones not cancelled, running ones not deleted.
///
/// A viewer may count, an operator retry and cancel, an admin delete. What takes longer than 2 s is
/// answered with 202 and goes on by itself: `Location` tells where to follow it.
#[utoipa::path(
    post, path = "/api/jobs/bulk", tag = "jobs", operation_id = "bulkJobs",
    request_body = Request,
    responses(
        (status = 200, body = Bulk, description = "Counted, or done"),
        (status = 202, body = Bulk, description = "Begun", headers(
            ("Location" = String, description = "where to follow it"))),
    ),
)]
pub(crate) async fn start(
    State(app): Shared,
    actor: Actor,
    Body(request, _): Body<Request>,
) -> Result<Response> {
    let filter = check(request.filter)?;
    if request.dry_run {
        let matched = bulk::count(&app.pool, request.action.into(), &filter).await?;
        let counted = Bulk {
            id: None,
            action: request.action,
            dry_run: true,
            matched,
            changed: 0,
            skipped: 0,
            state: BulkState::Done,
        };
        return Ok(Json(counted).into_response());
    }
    actor.needs(if request.action == Action::Delete { Role::Admin } else { Role::Operator })?;
    let mut tx = app.pool.begin().await?;
    let begun = bulk::begin(&mut tx, request.action.into(), &filter, actor.name()).await?;
    tx.commit().await?;
    let id = begun.id;
    let bulk = bulk::go_on(&app.pool, id, PATIENCE).await?.unwrap_or(begun);
    if bulk.state != Progress::Running {
        return Ok(Json(Bulk::from(bulk)).into_response());
    }
    // workers go on with it too; this one does so where there is none
    tokio::spawn(finish(Arc::clone(&app), id));
    let location =
        HeaderValue::try_from(format!("/api/jobs/bulk/{id}")).map_err(|_| Problem::internal())?;
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::ACCEPTED, headers, Json(Bulk::from(bulk))).into_response())
}

async fn finish(app: Arc<App>, id: i64) {
    while !app.is_draining() {
        match bulk::go_on(&app.pool, id, PATIENCE).await {
            Ok(Some(bulk)) if bulk.state == Progress::Running => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, bulk.id = id, "a bulk command is left to the workers");
                return;
            }
        }
    }
}

fn check(filter: Filter) -> Result<bulk::Filter> {
    let texts =
        [("kind", &filter.kind), ("queue", &filter.queue), ("tag", &filter.tag), ("q", &filter.q)];
    for (name, text) in texts {
        if text.as_ref().is_some_and(|t| t.len() > 500) {
            return Err(Problem::field(format!("filter.{name}"), "at most 500 bytes"));
        }
    }
    let ids = match filter.ids {
        Some(ids) if ids.is_empty() || ids.len() > IDS => {
            return Err(Problem::field("filter.ids", "1 to 10000 ids"));
        }
        Some(ids) => Some(
            ids.iter()
                .enumerate()
                .map(|(i, id)| {
                    let no = || Problem::field(format!("filter.ids[{i}]"), "not an id of a job");
                    id.parse().map(JobId).map_err(|_| no())
                })
                .collect::<Result<Vec<_>>>()?,
        ),
        None => None,
    };
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    let filter = bulk::Filter {
        state: filter.state.map(Into::into),
        kind: given(filter.kind),
        queue: given(filter.queue),
        tag: given(filter.tag),
        q: given(filter.q),
        from: filter.from,
        to: filter.to,
        ids,
    };
    if filter == bulk::Filter::default() {
        return Err(Problem::field(
            "filter",
            "an empty filter fits every job there is: name a state, another condition, or ids",
        ));
    }
    Ok(filter)
}

/// A command's number in the path.
fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| no_bulk(text))
}

fn no_bulk(id: &str) -> Problem {
    Problem::not_found(format!("there is no bulk command {}", cut(id)))
}

/// How far a bulk command has come.
#[utoipa::path(
    get, path = "/api/jobs/bulk/{id}", tag = "jobs", operation_id = "getBulk",
    params(("id" = String, Path)), responses((status = 200, body = Bulk)),
)]
pub(crate) async fn find(State(app): Shared, Path(id): Path<String>) -> Result<Json<Bulk>> {
    let bulk = bulk::find(&app.pool, number(&id)?).await?.ok_or_else(|| no_bulk(&id))?;
    Ok(Json(bulk.into()))
}

/// Calls a bulk command off, after the step under way; what it has changed stays changed.
#[utoipa::path(
    post, path = "/api/jobs/bulk/{id}/cancel", tag = "jobs", operation_id = "cancelBulk",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Bulk),
        (status = 409, description = "`/problems/not-applicable`: it has ended"),
    ),
)]
pub(crate) async fn cancel(
    State(app): Shared,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Json<Bulk>> {
    let number = number(&id)?;
    let mut tx = app.pool.begin().await?;
    let called_off = bulk::cancel(&mut tx, number, actor.name()).await?;
    tx.commit().await?;
    let bulk = bulk::find(&app.pool, number).await?.ok_or_else(|| no_bulk(&id))?;
    if called_off {
        Ok(Json(bulk.into()))
    } else {
        Err(Problem::new(ProblemKind::NotApplicable, format!("bulk command {number} has ended")))
    }
}
