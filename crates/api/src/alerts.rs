//! `/api/alerts` and `POST /check-alerts`: what was worth telling, and looking again.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use bellwether_domain::Symbol;
use bellwether_store::{alert, instrument};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    app::Shared,
    extract::{Known, Query},
    page::{Items, Paging},
    problem::Result,
    replica::Read,
    trigger::{self, Accepted, Triggered},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(recent_alerts))
        .routes(routes!(symbol_alerts))
        .routes(routes!(check_alerts))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertSeverity)]
enum Severity {
    Info,
    Warning,
    Critical,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertState)]
enum Phase {
    /// The condition holds, not yet for long enough.
    Pending,
    Firing,
    /// It is over.
    Resolved,
}

/// One episode of one rule.
#[derive(Serialize, ToSchema)]
struct Alert {
    id: String,
    rule: String,
    /// `null` where the rule concerns no share.
    #[schema(value_type = Option<String>, example = "AAPL")]
    symbol: Option<Symbol>,
    #[schema(example = "price_change")]
    kind: String,
    severity: Severity,
    state: Phase,
    /// One line for people.
    title: String,
    /// The values that led to it.
    detail: Value,
    pending_at: Option<DateTime<Utc>>,
    fired_at: Option<DateTime<Utc>>,
    resolved_at: Option<DateTime<Utc>>,
    acknowledged_at: Option<DateTime<Utc>>,
    acknowledged_by: Option<String>,
    snoozed_until: Option<DateTime<Utc>>,
}

impl From<alert::Alert> for Alert {
    fn from(alert: alert::Alert) -> Self {
        Self {
            id: alert.id.to_string(),
            rule: alert.rule_id.to_string(),
            symbol: alert.symbol,
            kind: alert.kind,
            severity: match alert.severity {
                alert::Severity::Info => Severity::Info,
                alert::Severity::Warning => Severity::Warning,
                alert::Severity::Critical => Severity::Critical,
            },
            state: match alert.state {
                alert::State::Pending => Phase::Pending,
                alert::State::Firing => Phase::Firing,
                alert::State::Resolved => Phase::Resolved,
            },
            title: alert.title,
            detail: alert.detail,
            pending_at: alert.pending_at,
            fired_at: alert.fired_at,
            resolved_at: alert.resolved_at,
            acknowledged_at: alert.acknowledged_at,
            acknowledged_by: alert.acknowledged_by,
            snoozed_until: alert.snoozed_until,
        }
    }
}

/// Alerts of all symbols, newest first.
#[utoipa::path(
    get, path = "/api/alerts/recent", tag = "product", operation_id = "listRecentAlerts",
    params(Paging), responses((status = 200, body = Items<Alert>)),
)]
async fn recent_alerts(
    State(app): Shared,
    Query(paging): Query<Paging>,
) -> Result<Read<Items<Alert>>> {
    let (limit, before) = (paging.limit()?, paging.id()?);
    let read =
        app.read(|pool| async move { alert::list_recent(&pool, before, limit + 1).await }).await?;
    Ok(read.map(|alerts| Items::page(alerts, limit, |a| a.id.to_string())))
}

/// Alerts of one symbol, newest first.
#[utoipa::path(
    get, path = "/api/alerts/{symbol}", tag = "product", operation_id = "listAlerts",
    params(("symbol" = String, Path, example = "AAPL"), Paging),
    responses((status = 200, body = Items<Alert>)),
)]
async fn symbol_alerts(
    State(app): Shared,
    Known(symbol): Known,
    Query(paging): Query<Paging>,
) -> Result<Read<Items<Alert>>> {
    let (limit, before) = (paging.limit()?, paging.id()?);
    let read = app
        .read(|pool| {
            let symbol = symbol.clone();
            async move { alert::list_by_symbol(&pool, &symbol, before, limit + 1).await }
        })
        .await?;
    Ok(read.map(|alerts| Items::page(alerts, limit, |a| a.id.to_string())))
}

/// Adds an evaluation of every rule for each watched symbol.
#[utoipa::path(
    post, path = "/check-alerts", tag = "pipeline", operation_id = "checkAlerts",
    responses((status = 202, body = Triggered)),
)]
async fn check_alerts(State(app): Shared) -> Result<Accepted> {
    let watched = instrument::list_watched(&app.pool).await?;
    let symbols: BTreeSet<Symbol> =
        watched.into_iter().map(|i| i.symbol).chain(app.watchlist.iter().cloned()).collect();
    let jobs: Vec<_> = symbols
        .into_iter()
        .map(|symbol| {
            let args = json!({ "symbol": symbol, "cause": "request" });
            trigger::job(&app, "evaluate_alerts", args)
        })
        .collect::<Result<_>>()?;
    trigger::add(&app, &jobs).await
}
