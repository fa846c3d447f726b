//! Schedules: jobs that are added by a cron expression.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use bellwether_queue::{self as queue, Db, inspect, schedule};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{Name, cut},
        page::Page,
        problem::{Problem, Result},
        trigger::Triggered,
    },
    routes::jobs::Queued,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_schedules))
        .routes(routes!(run_schedule))
        .routes(routes!(pause_schedule))
        .routes(routes!(resume_schedule))
}

#[derive(Serialize, ToSchema)]
struct Schedule {
    name: String,
    /// Five fields, as in crontab.
    #[schema(example = "*/30 * * * *")]
    cron: String,
    #[schema(example = "America/New_York")]
    zone: String,
    kind: String,
    args: Value,
    paused: bool,
    last_fire_at: Option<DateTime<Utc>>,
    next_fire_at: Option<DateTime<Utc>>,
    /// The job that the last tick added.
    last_job: Option<String>,
}

impl From<schedule::ScheduleView> for Schedule {
    fn from(schedule: schedule::ScheduleView) -> Self {
        Self {
            name: schedule.name,
            cron: schedule.cron,
            zone: schedule.zone,
            kind: schedule.kind,
            args: schedule.args,
            paused: schedule.paused,
            last_fire_at: schedule.last_fire_at,
            next_fire_at: schedule.next_fire_at,
            last_job: schedule.last_job.map(|id| id.to_string()),
        }
    }
}

/// Lists every schedule.
#[utoipa::path(
    get, path = "/api/schedules", tag = "schedules", operation_id = "listSchedules",
    responses((status = 200, body = Page<Schedule>)),
)]
async fn list_schedules(State(app): Shared) -> Result<Json<Page<Schedule>>> {
    Ok(Json(all(&app.pool).await?))
}

async fn all(pool: &Db) -> Result<Page<Schedule>, queue::Error> {
    let schedules = schedule::list(pool).await?;
    Ok(Page::all(schedules.into_iter().map(Into::into).collect()))
}

/// Every schedule in the form of `GET /api/schedules`, for callers outside the API.
pub async fn schedule_page(pool: &Db) -> Result<impl Serialize, queue::Error> {
    all(pool).await
}

/// Adds the schedule's job now, outside its ticks.
#[utoipa::path(
    post, path = "/api/schedules/{name}/run", tag = "schedules", operation_id = "runSchedule",
    params(("name" = String, Path)), responses((status = 202, body = Triggered)),
)]
async fn run_schedule(
    State(app): Shared,
    actor: Actor,
    Name(name): Name,
) -> Result<(StatusCode, Json<Triggered>)> {
    let mut tx = app.pool.begin().await?;
    let enqueued = schedule::run_now(&mut tx, &app.registry, &name).await?;
    let enqueued = enqueued.ok_or_else(|| unknown(&name))?;
    let added = json!({ "job": enqueued.id.to_string() });
    actor.record_audit(&mut tx, "schedule.run", &name, json!(null), added).await?;
    tx.commit().await?;
    let job = inspect::find(&app.pool, enqueued.id).await?.ok_or_else(Problem::internal)?.job;
    let job = Queued { id: job.id.to_string(), kind: job.kind, state: job.state.into() };
    Ok((StatusCode::ACCEPTED, Json(Triggered { jobs: vec![job] })))
}

/// Pauses a schedule: it adds no jobs.
#[utoipa::path(
    post, path = "/api/schedules/{name}/pause", tag = "schedules", operation_id = "pauseSchedule",
    params(("name" = String, Path)), responses((status = 200, body = Schedule)),
)]
async fn pause_schedule(
    State(app): Shared,
    actor: Actor,
    Name(name): Name,
) -> Result<Json<Schedule>> {
    set_paused(&app, &actor, &name, true).await
}

/// Resumes a paused schedule.
#[utoipa::path(
    post, path = "/api/schedules/{name}/resume", tag = "schedules", operation_id = "resumeSchedule",
    params(("name" = String, Path)), responses((status = 200, body = Schedule)),
)]
async fn resume_schedule(
    State(app): Shared,
    actor: Actor,
    Name(name): Name,
) -> Result<Json<Schedule>> {
    set_paused(&app, &actor, &name, false).await
}

async fn set_paused(app: &App, actor: &Actor, name: &str, paused: bool) -> Result<Json<Schedule>> {
    let before = find(app, name).await?;
    let mut tx = app.pool.begin().await?;
    schedule::pause(&mut *tx, name, paused).await?;
    let (was, now) = (json!({ "paused": before.paused }), json!({ "paused": paused }));
    let action = if paused { "schedule.pause" } else { "schedule.resume" };
    actor.record_audit(&mut tx, action, name, was, now).await?;
    tx.commit().await?;
    Ok(Json(find(app, name).await?.into()))
}

async fn find(app: &App, name: &str) -> Result<schedule::ScheduleView> {
    let schedules = schedule::list(&app.pool).await?;
    schedules.into_iter().find(|schedule| schedule.name == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no schedule {:?}", cut(name)))
}
