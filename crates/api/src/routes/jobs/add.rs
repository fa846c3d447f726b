//! Adding a job: validated against its kind, added once, answered once.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bellwether_queue::{self as queue, ArgsError, Enqueued, JobId, NewJob, inspect};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    idempotency::{Answer, Key},
    view::Job,
};
use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{Body, cut, field_path, plain, time},
        problem::{Problem, ProblemKind, Result},
    },
};

const KEY_LENGTH: usize = 255;
const TAGS: usize = 20;
const TAG_LENGTH: usize = 64;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewJob)]
pub(crate) struct Request {
    #[schema(example = "scrape_news")]
    kind: String,
    /// Arguments of the kind; none if left out.
    args: Option<Value>,
    /// 0 (first) to 9 (last); the kind's default if left out, mostly 4.
    #[schema(minimum = 0, maximum = 9)]
    priority: Option<i64>,
    /// The job does not run before this time.
    #[serde(default, deserialize_with = "time")]
    scheduled_at: Option<DateTime<Utc>>,
    /// Unique key: a second job of the kind with the same key is not added.
    #[schema(max_length = 255)]
    unique_key: Option<String>,
    /// 1 to 25; the kind's default if left out, mostly 5.
    #[schema(minimum = 1, maximum = 25)]
    max_attempts: Option<i64>,
    /// At most 20, of 64 characters each.
    tags: Option<Vec<String>>,
}

/// The added job, or the existing one with the unique key.
#[derive(Serialize, ToSchema)]
pub(crate) struct Added {
    #[serde(flatten)]
    job: Job,
    /// True if the unique key had a job already; then nothing was added.
    duplicate: bool,
}

/// Adds a job. With an `Idempotency-Key` header a repeated request gets the first answer for 24 h.
#[utoipa::path(
    post, path = "/jobs", tag = "jobs", operation_id = "addJob",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters")),
    request_body = Request,
    responses(
        (status = 201, body = Added, description = "Added", headers(
            ("Location" = String, description = "address of the job"))),
        (status = 200, body = Added, description = "The unique key has this job already"),
        (status = 422, description = "`/problems/unknown-kind`, `/problems/invalid-args`, \
            `/problems/invalid-field` or `/problems/idempotency-key-reused`, with the field named"),
    ),
)]
pub(crate) async fn add_job(
    State(app): Shared,
    actor: Actor,
    headers: HeaderMap,
    Body(request, bytes): Body<Request>,
) -> Result<Response> {
    let job = check(&app, request)?;
    let key = Key::of(&headers, format!("POST /jobs {}", actor.name()), &bytes)?;
    let answer = match &key {
        None => {
            let mut tx = app.pool.begin().await?;
            let enqueued = add(&mut tx, &actor, &job).await?;
            tx.commit().await?;
            stored(&app, enqueued).await?
        }
        Some(key) => once(&app, &actor, key, job).await?,
    };
    respond(&answer)
}

/// Adds the job, and an entry of the audit unless it existed.
async fn add(tx: &mut PgConnection, actor: &Actor, job: &NewJob) -> Result<Enqueued> {
    let enqueued = queue::enqueue(&mut *tx, job).await?;
    if !enqueued.duplicate {
        let after = json!({ "kind": job.kind, "unique_key": job.unique_key });
        actor.record_audit(tx, "job.add", &enqueued.id.to_string(), (), after).await?;
    }
    Ok(enqueued)
}

/// Adds the job and keeps the answer in one transaction, so that both exist or neither does.
async fn once(app: &Arc<App>, actor: &Actor, key: &Key, job: NewJob) -> Result<Answer> {
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = key.claim(&mut tx).await? {
        return Ok(answer);
    }
    let enqueued = add(&mut tx, actor, &job).await?;
    if enqueued.duplicate {
        // nothing was added, so an interrupted request may be repeated
        tx.commit().await?;
        let answer = stored(app, enqueued).await?;
        key.keep(&app.pool, &answer).await?;
        return Ok(answer);
    }
    let answer = unseen(&mut tx, job, enqueued.id).await?;
    key.keep(&mut *tx, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

fn check(app: &App, request: Request) -> Result<NewJob> {
    let args = request.args.unwrap_or(Value::Null);
    let mut job = app.registry.job(&request.kind, &args).map_err(|e| match &e {
        ArgsError::UnknownKind { known, .. } => Problem::new(
            ProblemKind::UnknownKind,
            format!("there is no kind {:?}; known are {known}", cut(&request.kind)),
        )
        .at("kind"),
        ArgsError::Invalid { field, reason, .. } => {
            let detail = format!("the arguments do not fit {}: {}", request.kind, plain(reason));
            Problem::new(ProblemKind::InvalidArgs, detail).at(field_path(field, reason))
        }
    })?;
    if let Some(priority) = request.priority {
        job.priority = u8::try_from(priority)
            .ok()
            .filter(|p| *p <= 9)
            .ok_or_else(|| Problem::field("priority", "a priority is 0 (first) to 9 (last)"))?;
    }
    if let Some(attempts) = request.max_attempts {
        job.max_attempts = u16::try_from(attempts)
            .ok()
            .filter(|n| (1..=25).contains(n))
            .ok_or_else(|| Problem::field("max_attempts", "a job has 1 to 25 attempts"))?;
    }
    if let Some(key) = request.unique_key {
        if key.is_empty() || key.len() > KEY_LENGTH {
            return Err(Problem::field("unique_key", "a unique key has 1 to 255 bytes"));
        }
        job.unique_key = Some(key);
    }
    if let Some(tags) = request.tags {
        if tags.len() > TAGS {
            return Err(Problem::field("tags", "a job has at most 20 tags"));
        }
        if let Some(i) = tags.iter().position(|t| t.is_empty() || t.chars().count() > TAG_LENGTH) {
            return Err(Problem::field(format!("tags[{i}]"), "a tag has 1 to 64 characters"));
        }
        job.tags = tags;
    }
    job.due_at = request.scheduled_at;
    Ok(job)
}

/// The answer for a job that other connections can see.
async fn stored(app: &App, enqueued: Enqueued) -> Result<Answer> {
    let Enqueued { id, duplicate } = enqueued;
    let job = inspect::find(&app.pool, id).await?.ok_or_else(|| {
        tracing::error!(job.id = id.0, "a job is gone right after it was found or added");
        Problem::internal()
    })?;
    let status = if duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok(Answer::of(status, &Added { job: job.job.into(), duplicate }))
}

/// The answer for a job that only this transaction can see.
async fn unseen(conn: &mut PgConnection, new: NewJob, id: JobId) -> Result<Answer> {
    let (state, created_at, trace): (String, DateTime<Utc>, Option<String>) =
        sqlx::query_as("select state, created_at, trace from queue.job where id = $1")
            .bind(id.0)
            .fetch_one(conn)
            .await?;
    let state = state.parse().unwrap_or(queue::State::Available);
    let job = inspect::JobView {
        id,
        kind: new.kind,
        queue: new.queue,
        lane: new.lane,
        state,
        priority: new.priority,
        attempt: 0,
        max_attempts: new.max_attempts,
        args: new.args,
        args_cut: false,
        unique_key: new.unique_key,
        tags: new.tags,
        parent: None,
        trace,
        created_at,
        due_at: new.due_at.filter(|_| state == queue::State::Scheduled),
        claimed_at: None,
        finished_at: None,
        worker: None,
        error: None,
        cancelling: false,
    };
    Ok(Answer::of(StatusCode::CREATED, &Added { job: job.into(), duplicate: false }))
}

fn respond(answer: &Answer) -> Result<Response> {
    let id = answer.body.get("id").and_then(Value::as_str).unwrap_or_default();
    let location =
        HeaderValue::try_from(format!("/api/jobs/{id}")).map_err(|_| Problem::internal())?;
    Ok((answer.status, [(header::LOCATION, location)], Json(&answer.body)).into_response())
}
