//! Bulk commands: one command for all jobs that match a filter, counted first and then done in
//! steps.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
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
    http::{
        actor::Actor,
        app::Shared,
        extract::{Body, cut, path_text, time},
        problem::{Problem, ProblemKind, Result},
    },
};

/// Time that a request waits for its bulk command to end.
const PATIENCE: Duration = Duration::from_secs(2);
const COUNT_TIME: Duration = Duration::from_secs(5);
/// Most ids in a filter.
const IDS: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkAction)]
enum Action {
    /// Makes each job available now.
    Retry,
    /// Cancels each job; a running attempt is asked to stop.
    Cancel,
    /// Deletes finished and waiting jobs with their rows. Running ones are skipped.
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

/// All conditions must hold, as in the list of jobs. At least one is required.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkFilter, min_properties = 1)]
struct Filter {
    state: Option<JobState>,
    #[schema(example = "scrape_news")]
    kind: Option<String>,
    queue: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    tag: Option<String>,
    /// Text that the arguments, the unique key or the last error contain.
    #[schema(min_length = 1, max_length = 500)]
    q: Option<String>,
    /// Created at or after.
    #[serde(default, deserialize_with = "time")]
    from: Option<DateTime<Utc>>,
    /// Created before.
    #[serde(default, deserialize_with = "time")]
    to: Option<DateTime<Utc>>,
    /// Ids, 1 to 10,000.
    #[schema(min_items = 1, max_items = 10_000, example = json!(["4711"]))]
    ids: Option<Vec<String>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkRequest)]
pub(crate) struct Request {
    action: Action,
    filter: Filter,
    /// Counts only. Default false.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BulkState)]
enum BulkState {
    Running,
    Done,
    /// Cancelled; jobs that it had changed stay changed.
    Cancelled,
}

/// A bulk command and its progress.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bulk {
    /// `null` for a dry run.
    id: Option<String>,
    action: Action,
    dry_run: bool,
    /// Jobs that matched when it began and are in a state that it can change; exact.
    #[schema(example = 128)]
    matched: i64,
    changed: i64,
    /// Matching jobs that could not be changed: the unique key belongs to another job now, or the
    /// state changed meanwhile.
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

/// Retries, cancels or deletes every job that fits. With `dry_run` it returns the exact number of
/// jobs that it would change; without it changes the jobs that exist at this moment, in short
/// steps. Waiting and running jobs are not retried, ended ones not cancelled, running ones not
/// deleted.
///
/// A viewer may count, an operator retry and cancel, an admin delete. A command that takes longer
/// than 2 s is answered with 202 and continues in the background: `Location` is its address.
#[utoipa::path(
    post, path = "/api/jobs/bulk", tag = "jobs", operation_id = "bulkJobs",
    request_body = Request,
    responses(
        (status = 200, body = Bulk, description = "Counted, or done"),
        (status = 202, body = Bulk, description = "Begun", headers(
            ("Location" = String, description = "address of the command"))),
    ),
)]
pub(crate) async fn start(
    State(app): Shared,
    actor: Actor,
    Body(request, _): Body<Request>,
) -> Result<Response> {
    let filter = check(&app, request.filter)?;
    if request.dry_run {
        let matched = count(&app, request.action.into(), &filter).await?;
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
    actor.require_role(if request.action == Action::Delete {
        Role::Admin
    } else {
        Role::Operator
    })?;
    let mut tx = app.pool.begin().await?;
    let begun = bulk::begin(&mut tx, request.action.into(), &filter, actor.name()).await?;
    tx.commit().await?;
    let id = begun.id;
    let bulk = bulk::go_on(&app.pool, id, PATIENCE).await?.unwrap_or(begun);
    if bulk.state != Progress::Running {
        return Ok(Json(Bulk::from(bulk)).into_response());
    }
    // workers continue it too; this process does so in case there is none
    tokio::spawn(finish(Arc::clone(&app), id));
    let location =
        HeaderValue::try_from(format!("/api/jobs/bulk/{id}")).map_err(|_| Problem::internal())?;
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::ACCEPTED, headers, Json(Bulk::from(bulk))).into_response())
}

/// Counts within [`COUNT_TIME`]. The statement ends with its request, for which its connection is closed.
async fn count(app: &App, action: bulk::Action, filter: &bulk::Filter) -> Result<i64> {
    let _place = app.slow().await?;
    match tokio::time::timeout(COUNT_TIME, bulk::count(&app.pool, action, filter)).await {
        Ok(counted) => Ok(counted?),
        Err(_) => Err(Problem::busy("counting takes longer than 5 seconds: narrow the filter")),
    }
}

async fn finish(app: Arc<App>, id: i64) {
    while !app.is_draining() {
        match bulk::go_on(&app.pool, id, PATIENCE).await {
            Ok(Some(bulk)) if bulk.state == Progress::Running => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, bulk.id = id, "a bulk command continues on the workers");
                return;
            }
        }
    }
}

fn check(app: &App, filter: Filter) -> Result<bulk::Filter> {
    for (name, text) in [("tag", &filter.tag), ("q", &filter.q)] {
        if text.as_ref().is_some_and(|t| t.is_empty() || t.len() > 500) {
            return Err(Problem::field(format!("filter.{name}"), "1 to 500 bytes"));
        }
    }
    if let Some((name, reason)) = app.misnamed(filter.kind.as_deref(), filter.queue.as_deref()) {
        return Err(Problem::field(format!("filter.{name}"), reason));
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
    let filter = bulk::Filter {
        state: filter.state.map(Into::into),
        kind: filter.kind,
        queue: filter.queue,
        tag: filter.tag,
        q: filter.q,
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

/// A command's number in the path. 404 for a text that is no number.
pub(crate) struct Number(i64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = path_text(parts, state).await?;
        text.parse().map(Self).map_err(|_| no_bulk(text))
    }
}

fn no_bulk(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(format!("there is no bulk command {}", cut(&id.to_string())))
}

/// Returns the progress of a bulk command.
#[utoipa::path(
    get, path = "/api/jobs/bulk/{id}", tag = "jobs", operation_id = "getBulk",
    params(("id" = String, Path)), responses((status = 200, body = Bulk)),
)]
pub(crate) async fn find(State(app): Shared, Number(id): Number) -> Result<Json<Bulk>> {
    let bulk = bulk::find(&app.pool, id).await?.ok_or_else(|| no_bulk(id))?;
    Ok(Json(bulk.into()))
}

/// Cancels a bulk command after its current step; jobs that it has changed stay changed.
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
    Number(number): Number,
) -> Result<Json<Bulk>> {
    let mut tx = app.pool.begin().await?;
    let cancelled = bulk::cancel(&mut tx, number, actor.name()).await?;
    tx.commit().await?;
    let bulk = bulk::find(&app.pool, number).await?.ok_or_else(|| no_bulk(number))?;
    if cancelled {
        Ok(Json(bulk.into()))
    } else {
        Err(Problem::new(ProblemKind::NotApplicable, format!("bulk command {number} has ended")))
    }
}
