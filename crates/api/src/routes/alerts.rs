//! `/api/alerts` and `POST /check-alerts`: alerts, and their evaluation on request.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use bellwether_domain::Symbol;
use bellwether_store::{alert, instrument};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{EmptyBody, KnownSymbol, OptionalBody, Query},
        page::{ALERTS, Page, Paging},
        problem::Result,
        replica::ReplicaRead,
        trigger::{self, Accepted, Triggered},
    },
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

#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertState)]
enum Phase {
    /// The condition holds, not yet for long enough.
    Pending,
    Firing,
    /// The episode has ended.
    Resolved,
}

impl From<alert::State> for Phase {
    fn from(state: alert::State) -> Self {
        match state {
            alert::State::Pending => Self::Pending,
            alert::State::Firing => Self::Firing,
            alert::State::Resolved => Self::Resolved,
        }
    }
}

impl From<Phase> for alert::State {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Pending => Self::Pending,
            Phase::Firing => Self::Firing,
            Phase::Resolved => Self::Resolved,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AlertFilter {
    /// Only episodes in this state: `firing` lists all that have not ended, however old.
    #[param(inline)]
    state: Option<Phase>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, default 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
}

impl AlertFilter {
    fn parts(self) -> Result<(Option<alert::State>, i64, Option<i64>)> {
        let paging = Paging::new(self.cursor, self.limit);
        Ok((self.state.map(Into::into), paging.limit()?, paging.id(&ALERTS)?))
    }
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
    /// One line with the event.
    title: String,
    /// The values that raised it.
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
            state: alert.state.into(),
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

/// Lists alerts of all symbols, newest first.
#[utoipa::path(
    get, path = "/api/alerts/recent", tag = "product", operation_id = "listRecentAlerts",
    params(AlertFilter), responses((status = 200, body = Page<Alert>)),
)]
async fn recent_alerts(
    State(app): Shared,
    Query(only): Query<AlertFilter>,
) -> Result<ReplicaRead<Page<Alert>>> {
    let (state, limit, before) = only.parts()?;
    let read = app
        .read(|pool| async move {
            match state {
                Some(state) => alert::list_in(&pool, state, None, before, limit + 1).await,
                None => alert::list_recent(&pool, before, limit + 1).await,
            }
        })
        .await?;
    Ok(read.map(|alerts| Page::from_rows(&ALERTS, alerts, limit, |a| a.id.to_string())))
}

/// Lists alerts of one symbol, newest first.
#[utoipa::path(
    get, path = "/api/alerts/{symbol}", tag = "product", operation_id = "listAlerts",
    params(("symbol" = String, Path, example = "AAPL"), AlertFilter),
    responses((status = 200, body = Page<Alert>)),
)]
async fn symbol_alerts(
    State(app): Shared,
    KnownSymbol(symbol): KnownSymbol,
    Query(only): Query<AlertFilter>,
) -> Result<ReplicaRead<Page<Alert>>> {
    let (state, limit, before) = only.parts()?;
    let read = app
        .read(|pool| {
            let symbol = symbol.clone();
            async move {
                match state {
                    Some(state) => {
                        alert::list_in(&pool, state, Some(&symbol), before, limit + 1).await
                    }
                    None => alert::list_by_symbol(&pool, &symbol, before, limit + 1).await,
                }
            }
        })
        .await?;
    Ok(read.map(|alerts| Page::from_rows(&ALERTS, alerts, limit, |a| a.id.to_string())))
}

/// Adds an evaluation of every rule for each watched symbol.
#[utoipa::path(
    post, path = "/check-alerts", tag = "pipeline", operation_id = "checkAlerts",
    request_body = Option<EmptyBody>,
    responses((status = 202, body = Triggered)),
)]
async fn check_alerts(
    State(app): Shared,
    actor: Actor,
    OptionalBody(EmptyBody {}): OptionalBody<EmptyBody>,
) -> Result<Accepted> {
    let watched = instrument::list_watched(&app.pool).await?;
    let symbols: BTreeSet<Symbol> =
        watched.into_iter().map(|i| i.symbol).chain(app.watchlist.iter().cloned()).collect();
    let jobs: Vec<_> = symbols
        .into_iter()
        .map(|symbol| {
            let args = json!({ "symbol": symbol, "cause": "request" });
            trigger::job(&app, "evaluate_alerts", &args)
        })
        .collect::<Result<_>>()?;
    trigger::add(&app, &actor, "pipeline.check_alerts", &jobs).await
}
