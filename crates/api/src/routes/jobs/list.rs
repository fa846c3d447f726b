//! A page of jobs, newest first.

use axum::{Json, extract::State};
use bellwether_queue::{JobId, inspect};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{Job, State as JobState};
use crate::http::{
    app::Shared,
    extract::{Query, time},
    page::{JOBS, id},
    problem::{Problem, Result},
};

/// Bytes of a filter's text.
const LONGEST: usize = 500;
/// Bytes of a job's arguments in a list.
const ARGS: usize = 4096;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    state: Option<JobState>,
    kind: Option<String>,
    queue: Option<String>,
    #[param(min_length = 1, max_length = 500)]
    tag: Option<String>,
    #[param(min_length = 1, max_length = 500)]
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
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct JobPage {
    items: Vec<Job>,
    next_cursor: Option<String>,
    /// The id down to which a search by text came within its time; absent if it reached the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    searched_to: Option<String>,
}

impl From<inspect::JobPage> for JobPage {
    fn from(page: inspect::JobPage) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(|id| JOBS.cursor(id)),
            searched_to: page.searched_to.map(|id| id.to_string()),
        }
    }
}

/// Lists jobs, newest first. Arguments of more than 4 KiB are cut: `args` is then the beginning of
/// their text, and `args_cut` is true; the job's own route returns all of them. A search by text
/// walks from the newest for at most 300 ms and returns how far it came.
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
    let before = filter.cursor.as_ref().map(|cursor| JOBS.read(cursor, id)).transpose()?;
    for (name, text) in [("tag", &filter.tag), ("q", &filter.q)] {
        if text.as_ref().is_some_and(|t| t.contains('\0') || t.len() > LONGEST) {
            return Err(Problem::query(name, "at most 500 bytes of text without NUL"));
        }
    }
    if let Some((name, reason)) = app.misnamed(filter.kind.as_deref(), filter.queue.as_deref()) {
        return Err(Problem::query(name, reason));
    }
    // a search by text reads the arguments of every job that it passes
    let _place = if filter.q.is_some() { Some(app.slow().await?) } else { None };
    let page = inspect::list(
        &app.pool,
        &inspect::JobFilter {
            state: filter.state.map(Into::into),
            kind: filter.kind,
            queue: filter.queue,
            tag: filter.tag,
            q: filter.q,
            from: filter.from,
            to: filter.to,
            before: before.map(JobId),
            limit,
            args_limit: Some(ARGS),
        },
    )
    .await?;
    Ok(Json(page.into()))
}
