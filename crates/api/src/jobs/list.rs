//! A page of jobs, newest first.

use axum::{Json, extract::State};
use bellwether_queue::{JobId, inspect};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{Job, State as JobState};
use crate::{
    app::Shared,
    extract::{Query, time},
    problem::{Problem, Result},
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    state: Option<JobState>,
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
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 500, default 50.
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct JobPage {
    items: Vec<Job>,
    next_cursor: Option<String>,
    /// The id down to which a search by text came before its time ran out; absent if it saw
    /// everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    searched_to: Option<String>,
}

impl From<inspect::JobPage> for JobPage {
    fn from(page: inspect::JobPage) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
            searched_to: page.searched_to.map(|id| id.to_string()),
        }
    }
}

/// Jobs, newest first. A search by text walks from the newest within 300 ms and says how far it
/// came.
#[utoipa::path(
    get, path = "/api/jobs", tag = "jobs", operation_id = "listJobs", params(Filter),
    responses((status = 200, body = JobPage)),
)]
pub(crate) async fn list_jobs(
    State(app): Shared,
    Query(filter): Query<Filter>,
) -> Result<Json<JobPage>> {
    let limit = u16::try_from(filter.limit.unwrap_or(50))
        .ok()
        .filter(|limit| (1..=500).contains(limit))
        .ok_or_else(|| Problem::query("limit", "a page has 1 to 500 items"))?;
    let before = filter
        .cursor
        .map(|cursor| cursor.parse().map(JobId))
        .transpose()
        .map_err(|_| Problem::query("cursor", "not a cursor that a page has given"))?;
    let texts =
        [("kind", &filter.kind), ("queue", &filter.queue), ("tag", &filter.tag), ("q", &filter.q)];
    for (name, text) in texts {
        if text.as_ref().is_some_and(|t| t.contains('\0') || t.len() > 500) {
            return Err(Problem::query(name, "at most 500 bytes of text without NUL"));
        }
    }
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    let page = inspect::list(
        &app.pool,
        &inspect::JobFilter {
            state: filter.state.map(Into::into),
            kind: given(filter.kind),
            queue: given(filter.queue),
            tag: given(filter.tag),
            q: given(filter.q),
            from: filter.from,
            to: filter.to,
            before,
            limit,
        },
    )
    .await?;
    Ok(Json(page.into()))
}
