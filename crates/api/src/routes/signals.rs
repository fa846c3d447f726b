//! `/api/signals/{symbol}`: the current signal with every term of its formula, and its history.

use std::sync::Arc;

use axum::extract::State;
use bellwether_domain::{self as domain, Symbol};
use bellwether_store::signal;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        app::Shared,
        extract::{KnownSymbol, Query},
        page::{Page, Paging, SIGNALS, position},
        problem::Result,
        replica::ReplicaRead,
    },
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(find_signals))
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SignalLabel {
    StrongBuy,
    Buy,
    Hold,
    Sell,
    StrongSell,
}

impl From<domain::SignalLabel> for SignalLabel {
    fn from(label: domain::SignalLabel) -> Self {
        match label {
            domain::SignalLabel::StrongBuy => Self::StrongBuy,
            domain::SignalLabel::Buy => Self::Buy,
            domain::SignalLabel::Hold => Self::Hold,
            domain::SignalLabel::Sell => Self::Sell,
            domain::SignalLabel::StrongSell => Self::StrongSell,
        }
    }
}

/// One signal of the history.
#[derive(Serialize, ToSchema)]
struct SignalPoint {
    id: String,
    at: DateTime<Utc>,
    /// `ok`, or `insufficient_data`: too few prices for a signal, which is not a HOLD.
    state: String,
    label: Option<SignalLabel>,
    /// The composite, −1 to 1.
    c: Option<f64>,
    /// Its price part.
    p: Option<f64>,
    /// Its sentiment part.
    s: f64,
    /// Its quality, 0 to 1.
    q: f64,
    formula_version: String,
}

/// A signal with all its inputs.
#[derive(Serialize, ToSchema)]
struct Signal {
    #[serde(flatten)]
    point: SignalPoint,
    /// Every term, by its name in the formula.
    terms: Value,
    /// The prices and stories that were read.
    inputs: Value,
    /// The observation or sentiment that led to it.
    cause: String,
    /// The job that derived it.
    job: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SymbolSignals {
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// `null` until a signal has been derived.
    current: Option<Signal>,
    /// Newest first, the current one included.
    history: Page<SignalPoint>,
}

impl From<signal::Signal> for SignalPoint {
    fn from(signal: signal::Signal) -> Self {
        Self {
            id: signal.id.to_string(),
            at: signal.at,
            state: signal.state,
            label: signal.label.map(Into::into),
            c: signal.c,
            p: signal.p,
            s: signal.s,
            q: signal.q,
            formula_version: signal.formula_version,
        }
    }
}

impl From<signal::Signal> for Signal {
    fn from(mut signal: signal::Signal) -> Self {
        Self {
            terms: signal.terms.take(),
            inputs: signal.inputs.take(),
            cause: std::mem::take(&mut signal.cause),
            job: signal.job.map(|id| id.to_string()),
            point: signal.into(),
        }
    }
}

/// Returns the current signal of a symbol with every term, and a page of its history.
#[utoipa::path(
    get, path = "/api/signals/{symbol}", tag = "product", operation_id = "getSignals",
    params(("symbol" = String, Path, example = "AAPL"), Paging),
    responses((status = 200, body = SymbolSignals)),
)]
async fn find_signals(
    State(app): Shared,
    KnownSymbol(symbol): KnownSymbol,
    Query(paging): Query<Paging>,
) -> Result<ReplicaRead<SymbolSignals>> {
    let (limit, before) = (paging.limit()?, paging.position(&SIGNALS)?);
    let read = app
        .read(|pool| {
            let symbol = symbol.clone();
            async move {
                let current = signal::find_current(&pool, &symbol).await?;
                Ok((current, signal::list(&pool, &symbol, before, limit + 1).await?))
            }
        })
        .await?;
    Ok(read.map(|(current, history)| SymbolSignals {
        symbol,
        current: current.map(Into::into),
        history: Page::from_rows(&SIGNALS, history, limit, |s| position(s.at, s.id)),
    }))
}
