//! Limits: what each provider's quota has left, and changing that by hand.

mod command;
mod override_;
mod view;

use std::sync::Arc;

use axum::{Json, extract::State};
use bellwether_queue::inspect;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::{Around, Limit, LimitDetail};
use crate::{
    App,
    app::Shared,
    extract::{Name, cut},
    page::Items,
    problem::{Problem, Result},
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

/// Every limit key with its windows.
#[utoipa::path(
    get, path = "/api/limits", tag = "limits", operation_id = "listLimits",
    responses((status = 200, body = Items<Limit>)),
)]
async fn list_limits(State(app): Shared) -> Result<Json<Items<Limit>>> {
    let limits = inspect::limits(&app.pool).await?;
    let around = Around::of(&app).await?;
    Ok(Json(Items::all(limits.into_iter().map(|limit| around.show(limit)).collect())))
}

/// One limit key, with what it was used for. A slash in the key is written as `%2F`.
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
        limit: Around::of(&app).await?.show(limit),
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

/// The key as it is now.
async fn answer(app: &App, key: &str) -> Result<Json<Limit>> {
    Ok(Json(Around::of(app).await?.show(find(app, key).await?)))
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
