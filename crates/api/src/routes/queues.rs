//! Queues: depth, age, throughput; pause and concurrency.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use axum::{Json, extract::State};
use bellwether_queue::{self as queue, Db, control, inspect};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{Body, Name, cut},
        page::Page,
        problem::{Problem, Result},
    },
    routes::jobs::State as JobState,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_queues))
        .routes(routes!(change_queue))
        .routes(routes!(pause_queue))
        .routes(routes!(resume_queue))
}

/// In milliseconds, over the last hour; `null` without a job in it.
#[derive(Serialize, ToSchema)]
struct Percentiles {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl From<inspect::Percentiles> for Percentiles {
    fn from(p: inspect::Percentiles) -> Self {
        Self { p50: p.p50, p95: p.p95, p99: p.p99 }
    }
}

#[derive(Serialize, ToSchema)]
struct Queue {
    #[schema(example = "scraper")]
    name: String,
    paused: bool,
    /// Attempts that each process runs at a time; `null`: the process's own setting.
    concurrency: Option<u16>,
    /// Most attempts on all workers together; `null`: no limit.
    cap: Option<u32>,
    /// Jobs in each state.
    depth: BTreeMap<JobState, i64>,
    /// Age of the oldest available job, in seconds.
    oldest_age_seconds: Option<f64>,
    /// Jobs completed per minute, over the last five minutes.
    completed_per_minute: f64,
    /// From available to claimed.
    wait_ms: Percentiles,
    /// From claimed to ended.
    run_ms: Percentiles,
}

impl From<inspect::QueueView> for Queue {
    fn from(queue: inspect::QueueView) -> Self {
        let mut depth: BTreeMap<JobState, i64> =
            bellwether_queue::State::ALL.into_iter().map(|state| (state.into(), 0)).collect();
        depth.extend(queue.depth.into_iter().map(|(state, n)| (state.into(), n)));
        Self {
            name: queue.name,
            paused: queue.paused,
            concurrency: queue.concurrency,
            cap: queue.cap,
            depth,
            oldest_age_seconds: queue.oldest_age_s,
            completed_per_minute: queue.completed_per_minute,
            wait_ms: queue.wait.into(),
            run_ms: queue.run.into(),
        }
    }
}

/// Lists every queue.
#[utoipa::path(
    get, path = "/api/queues", tag = "queues", operation_id = "listQueues",
    responses((status = 200, body = Page<Queue>)),
)]
async fn list_queues(State(app): Shared) -> Result<Json<Page<Queue>>> {
    Ok(Json(all(&app.pool).await?))
}

async fn all(pool: &Db) -> Result<Page<Queue>, queue::Error> {
    let queues = inspect::queues(pool).await?;
    Ok(Page::all(queues.into_iter().map(Into::into).collect()))
}

/// Every queue in the form of `GET /api/queues`, for callers outside the API.
pub async fn queue_page(pool: &Db) -> Result<impl Serialize, queue::Error> {
    all(pool).await
}

/// A field in which `null` and absence differ.
#[derive(Clone, Copy, Default)]
enum Given {
    #[default]
    Nothing,
    Number(Option<i64>),
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::Number)
    }
}

/// At least one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
struct QueueChange {
    /// Attempts that each process runs at a time, 1 to 1,000; `null`: the process's own setting.
    /// Unchanged if left out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1000)]
    concurrency: Given,
    /// Most attempts on all workers together, 0 to 100,000; `null`: no limit. Unchanged if left
    /// out.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 100_000)]
    cap: Given,
}

/// Sets the concurrency, of each worker or of all together; takes effect on every worker within 2
/// s. Running attempts continue.
#[utoipa::path(
    patch, path = "/api/queues/{name}", tag = "queues", operation_id = "changeQueue",
    params(("name" = String, Path, example = "scraper")), request_body = QueueChange,
    responses((status = 200, body = Queue)),
)]
async fn change_queue(
    State(app): Shared,
    actor: Actor,
    Name(name): Name,
    Body(change, _): Body<QueueChange>,
) -> Result<Json<Queue>> {
    if let (Given::Nothing, Given::Nothing) = (change.concurrency, change.cap) {
        return Err(Problem::field("concurrency", "say concurrency, cap or both"));
    }
    let before = find(&app, &name).await?;
    let (mut was, mut now) = (Map::new(), Map::new());
    let mut tx = app.pool.begin().await?;
    if let Given::Number(n) = change.concurrency {
        let concurrency = fits(n, "concurrency", &(1..=1000))?;
        control::set_concurrency(&mut *tx, &name, concurrency).await?;
        was.insert("concurrency".to_owned(), json!(before.concurrency));
        now.insert("concurrency".to_owned(), json!(concurrency));
    }
    if let Given::Number(n) = change.cap {
        let cap = fits(n, "cap", &(0..=100_000))?;
        control::set_cap(&mut *tx, &name, cap).await?;
        was.insert("cap".to_owned(), json!(before.cap));
        now.insert("cap".to_owned(), json!(cap));
    }
    actor.record_audit(&mut tx, "queue.change", &name, was, now).await?;
    tx.commit().await?;
    answer(&app, &name).await
}

fn fits<T: TryFrom<i64>>(
    given: Option<i64>,
    field: &str,
    range: &RangeInclusive<i64>,
) -> Result<Option<T>> {
    let no = || Problem::field(field, format!("{} to {}, or null", range.start(), range.end()));
    given.map(|n| T::try_from(n).ok().filter(|_| range.contains(&n)).ok_or_else(no)).transpose()
}

/// Stops claims from a queue on every worker; running attempts continue.
#[utoipa::path(
    post, path = "/api/queues/{name}/pause", tag = "queues", operation_id = "pauseQueue",
    params(("name" = String, Path, example = "scraper")), responses((status = 200, body = Queue)),
)]
async fn pause_queue(State(app): Shared, actor: Actor, Name(name): Name) -> Result<Json<Queue>> {
    set_paused(&app, &actor, &name, true).await
}

/// Resumes a paused queue.
#[utoipa::path(
    post, path = "/api/queues/{name}/resume", tag = "queues", operation_id = "resumeQueue",
    params(("name" = String, Path, example = "scraper")), responses((status = 200, body = Queue)),
)]
async fn resume_queue(State(app): Shared, actor: Actor, Name(name): Name) -> Result<Json<Queue>> {
    set_paused(&app, &actor, &name, false).await
}

async fn set_paused(app: &App, actor: &Actor, name: &str, paused: bool) -> Result<Json<Queue>> {
    let before = find(app, name).await?;
    let mut tx = app.pool.begin().await?;
    if paused {
        control::pause(&mut *tx, name).await?;
    } else {
        control::resume(&mut *tx, name).await?;
    }
    let (was, now) = (json!({ "paused": before.paused }), json!({ "paused": paused }));
    let action = if paused { "queue.pause" } else { "queue.resume" };
    actor.record_audit(&mut tx, action, name, was, now).await?;
    tx.commit().await?;
    answer(app, name).await
}

async fn answer(app: &App, name: &str) -> Result<Json<Queue>> {
    Ok(Json(find(app, name).await?.into()))
}

async fn find(app: &App, name: &str) -> Result<inspect::QueueView> {
    let queues = inspect::queues(&app.pool).await?;
    let found = queues.into_iter().find(|queue| queue.name == name);
    found.ok_or_else(|| Problem::not_found(format!("there is no queue {:?}", cut(name))))
}
