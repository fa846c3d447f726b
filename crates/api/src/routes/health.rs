//! `/health` and `/ready`: liveness and readiness.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State};
use bellwether_queue::Db;
use serde::Serialize;
use sqlx::{
    PgConnection,
    migrate::{Migrate, Migrator},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        app::Shared,
        problem::{Problem, ProblemKind, Result},
        serve::Stopping,
    },
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready))
}

#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
    #[schema(example = "api")]
    service: &'static str,
    version: String,
}

/// Reports that the process lives; the database does not matter.
#[utoipa::path(
    get, path = "/health", tag = "health", operation_id = "getHealth",
    responses((status = 200, body = Health)),
)]
async fn health(State(app): Shared) -> Json<Health> {
    Json(Health {
        status: "healthy",
        service: app.settings.service.as_str(),
        version: app.settings.version.clone(),
    })
}

#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
}

/// Reports that the database answers, its schema is current, and this process is not draining.
#[utoipa::path(
    get, path = "/ready", tag = "health", operation_id = "getReady",
    responses((status = 200, body = Ready)),
)]
async fn ready(State(app): Shared, stopping: Option<Extension<Stopping>>) -> Result<Json<Ready>> {
    if app.is_draining() || stopping.is_some_and(|Extension(Stopping(t))| t.is_cancelled()) {
        return Err(not_ready("this process is draining"));
    }
    app.ready.get(check(&app.probe_pool)).await.map_err(not_ready)?;
    Ok(Json(Ready { status: "ready" }))
}

/// `Err` has the reason.
async fn check(pool: &Db) -> Result<(), String> {
    match tokio::time::timeout(Duration::from_secs(2), schema(pool)).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(name))) => Err(format!("the schema of {name} is not current")),
        Ok(Err(_)) | Err(_) => Err("the database does not answer".to_owned()),
    }
}

fn not_ready(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::NotReady, detail)
}

/// `Err` names the schema that lacks a migration.
async fn schema(pool: &Db) -> sqlx::Result<Result<(), &'static str>> {
    let mut conn = pool.begin().await?;
    for (name, migrator) in
        [("the queue", &*bellwether_queue::MIGRATOR), ("the product", &bellwether_store::MIGRATOR)]
    {
        if !is_current(&mut conn, migrator).await {
            sqlx::Connection::ping(&mut *conn).await?;
            return Ok(Err(name));
        }
    }
    Ok(Ok(()))
}

async fn is_current(conn: &mut PgConnection, migrator: &Migrator) -> bool {
    let Ok(applied) = conn.list_applied_migrations(&migrator.table_name).await else {
        return false;
    };
    migrator
        .iter()
        .filter(|m| !m.migration_type.is_down_migration())
        .all(|wanted| applied.iter().any(|have| have.version == wanted.version))
}
