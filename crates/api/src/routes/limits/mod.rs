//! Limits: usage of each provider's quota, and changes to it.

mod command;
mod override_;
mod view;

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::{self as queue, Db, inspect};
use serde::Serialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::{Around, Limit, LimitDetail};
use crate::{
    App,
    http::{
        app::Shared,
        extract::{Name, cut},
        page::Page,
        problem::{Problem, Result},
    },
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_limits))
        .routes(routes!(find_limit, override_::override_limit))
        .routes(routes!(command::park_limit))
        .routes(routes!(command::resume_limit))
        .routes(routes!(command::trip_limit))
        .routes(routes!(command::reset_limit))
        .routes(routes!(command::count_limit))
}

/// Points of a window's history.
const POINTS: u16 = 120;
/// Days of spending.
const DAYS: u16 = 30;

/// Lists every limit key with its windows.
#[utoipa::path(
    get, path = "/api/limits", tag = "limits", operation_id = "listLimits",
    responses((status = 200, body = Page<Limit>)),
)]
async fn list_limits(State(app): Shared) -> Result<Json<Page<Limit>>> {
    Ok(Json(all(&app.pool).await?))
}

async fn all(pool: &Db) -> Result<Page<Limit>, queue::Error> {
    let limits = inspect::limits(pool).await?;
    let around = Around::of(pool).await?;
    Ok(Page::all(limits.into_iter().map(|limit| around.show(limit)).collect()))
}

/// Every limit key in the form of `GET /api/limits`, for callers outside the API.
pub async fn limit_page(pool: &Db) -> Result<impl Serialize, queue::Error> {
    all(pool).await
}

/// A limit key in the form of the routes that change it, for callers outside the API.
pub async fn limit_view(pool: &Db, key: &str) -> Result<Option<impl Serialize>, queue::Error> {
    let limit = inspect::limits(pool).await?.into_iter().find(|limit| limit.key == key);
    let around = Around::of(pool).await?;
    Ok(limit.map(|limit| around.show(limit)))
}

/// Returns one limit key with its usage. A slash in the key is written as `%2F`.
#[utoipa::path(
    get, path = "/api/limits/{key}", tag = "limits", operation_id = "getLimit",
    params(("key" = String, Path, example = "alpha_vantage")),
    responses((status = 200, body = LimitDetail)),
)]
async fn find_limit(State(app): Shared, Name(key): Name) -> Result<Json<LimitDetail>> {
    let limit = find(&app, &key).await?;
    let history = inspect::limit_history(&app.pool, &key, POINTS).await?;
    let days = inspect::spending(&app.pool, Some(&key), DAYS).await?;
    Ok(Json(LimitDetail {
        limit: Around::of(&app.pool).await?.show(limit),
        history: history.into_iter().map(Into::into).collect(),
        days: days.into_iter().map(Into::into).collect(),
    }))
}

async fn find(app: &App, key: &str) -> Result<inspect::LimitView> {
    let limits = inspect::limits(&app.pool).await?;
    limits.into_iter().find(|limit| limit.key == key).ok_or_else(|| unknown(key))
}

fn unknown(key: &str) -> Problem {
    Problem::not_found(format!("there is no limit {:?}", cut(key)))
}

/// The key after a change.
async fn answer(app: &App, key: &str) -> Result<Json<Limit>> {
    Ok(Json(Around::of(&app.pool).await?.show(find(app, key).await?)))
}

/// Checks a reason that a request gives.
fn reason(given: Option<String>, otherwise: &str) -> Result<String> {
    match given {
        Some(reason) if reason.chars().count() > 200 => {
            Err(Problem::field("reason", "at most 200 characters"))
        }
        Some(reason) if !reason.trim().is_empty() => Ok(reason),
        _ => Ok(otherwise.to_owned()),
    }
}
