//! `/api/watchlist`: all data of the overview for every watched symbol in one answer; adding and
//! removing symbols.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use bellwether_domain::{InvalidSymbol, Symbol, calendar};
use bellwether_queue::{self as queue, Db, event};
use bellwether_store::{
    instrument,
    summary::{self, Latest, Mood},
    watchlist::{self as store, Close, OpenAlerts, Refusal, Signal},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{Body, KnownSymbol},
        page::Page,
        problem::{Problem, Result},
        replica::ReplicaRead,
        trigger,
    },
    routes::{
        jobs::{Queued, State as JobState},
        quotes::{Quote, plain},
        sentiment::{SentimentSummary, Span},
        signals::SignalLabel,
    },
};

/// Sessions of a row's history.
const CLOSES: i64 = 30;
/// The window of a row's sentiment, as `/api/sentiment-summary` has it by default.
const HOURS: i64 = 24;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_watchlist, watch)).routes(routes!(unwatch))
}

/// The part of the exchange's day.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SessionState)]
enum Phase {
    Closed,
    /// Early trading, before the open.
    Pre,
    Open,
    /// Late trading, after the close.
    Post,
}

/// Current session of a symbol's exchange.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the name that callers read")]
struct Session {
    state: Phase,
    /// The day of the newest session that has begun. A price of an earlier `trading_day` is old.
    as_of_session: NaiveDate,
    /// The next open.
    opens_at: DateTime<Utc>,
    /// The next close.
    closes_at: DateTime<Utc>,
}

impl Session {
    fn at(now: DateTime<Utc>) -> Self {
        Self {
            state: match calendar::phase(now) {
                calendar::Phase::Closed => Phase::Closed,
                calendar::Phase::Pre => Phase::Pre,
                calendar::Phase::Open => Phase::Open,
                calendar::Phase::Post => Phase::Post,
            },
            as_of_session: calendar::last_begun(now).day,
            opens_at: calendar::next_open(now),
            closes_at: calendar::next_close(now),
        }
    }
}

/// The close of one session.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionClose)]
struct DayClose {
    /// The exchange's day.
    day: NaiveDate,
    #[schema(value_type = String, example = "259.44")]
    close: Decimal,
}

/// The current signal in short; `/api/signals/{symbol}` has its terms.
#[derive(Serialize, ToSchema)]
struct SignalSummary {
    id: String,
    at: DateTime<Utc>,
    /// `ok`, or `insufficient_data`: too few prices for a signal, which is not a HOLD.
    state: String,
    label: Option<SignalLabel>,
    /// −1 to 1.
    score: Option<f64>,
    /// Completeness and consistency of the evidence, 0 to 1.
    quality: f64,
    /// Closes that it read.
    closes: Option<i64>,
    formula_version: String,
}

/// Alerts of a symbol that have not ended.
#[derive(Default, Serialize, ToSchema)]
struct AlertCounts {
    firing: i64,
    pending: i64,
}

/// A provider refuses the symbol until an operator acts.
#[derive(Serialize, ToSchema)]
#[schema(as = SymbolRefusal)]
struct Refused {
    #[schema(example = "unknown_symbol")]
    reason: String,
    /// The provider's own words.
    detail: String,
    at: DateTime<Utc>,
}

/// One watched symbol.
#[derive(Serialize, ToSchema)]
struct WatchedSymbol {
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    name: Option<String>,
    /// `null` until a provider has returned a price.
    quote: Option<Quote>,
    session: Session,
    /// Up to 30 completed sessions, oldest first.
    closes: Vec<DayClose>,
    /// The news of the last 24 hours.
    sentiment: Option<SentimentSummary>,
    /// `null` until a signal has been derived.
    signal: Option<SignalSummary>,
    alerts: AlertCounts,
    /// `null` while no provider refuses the symbol.
    refused: Option<Refused>,
}

impl From<Signal> for SignalSummary {
    fn from(signal: Signal) -> Self {
        Self {
            id: signal.id.to_string(),
            at: signal.at,
            state: signal.state,
            label: signal.label.map(Into::into),
            score: signal.c,
            quality: signal.q,
            closes: signal.closes,
            formula_version: signal.formula_version,
        }
    }
}

/// Rows of the statements, each by symbol.
struct Found {
    now: DateTime<Utc>,
    latest: Vec<Latest>,
    closes: Vec<Close>,
    moods: Vec<Mood>,
    signals: Vec<Signal>,
    alerts: Vec<OpenAlerts>,
    refusals: Vec<Refusal>,
}

impl Found {
    async fn read(pool: Db) -> sqlx::Result<Self> {
        let now = bellwether_store::now(&pool).await?;
        Ok(Self {
            now,
            latest: summary::list_latest_quotes(&pool).await?,
            closes: store::list_closes(&pool, CLOSES).await?,
            moods: summary::list_moods(&pool, now - TimeDelta::hours(HOURS), now).await?,
            signals: store::list_signals(&pool).await?,
            alerts: store::list_open_alerts(&pool).await?,
            refusals: store::list_refusals(&pool).await?,
        })
    }

    fn rows(self) -> Vec<WatchedSymbol> {
        let now = self.now;
        let session = Session::at(now);
        let window = Span { from: now - TimeDelta::hours(HOURS), to: now, hours: HOURS };
        let mut closes: HashMap<Symbol, Vec<DayClose>> = HashMap::new();
        for Close { symbol, day, close } in self.closes {
            closes.entry(symbol).or_default().push(DayClose { day, close: plain(close) });
        }
        let mut moods = by_symbol(self.moods, |mood| &mood.symbol);
        let mut signals = by_symbol(self.signals, |signal| &signal.symbol);
        let mut alerts = by_symbol(self.alerts, |alerts| &alerts.symbol);
        let mut refusals = by_symbol(self.refusals, |refusal| &refusal.symbol);
        self.latest
            .into_iter()
            .map(|latest| {
                let symbol = latest.symbol.clone();
                WatchedSymbol {
                    name: latest.name.clone(),
                    quote: latest.price.is_some().then(|| Quote::of(latest, now)),
                    session,
                    closes: closes.remove(&symbol).unwrap_or_default(),
                    sentiment: moods.remove(&symbol).map(|m| SentimentSummary::of(m, window)),
                    signal: signals.remove(&symbol).map(Into::into),
                    alerts: alerts.remove(&symbol).map_or_else(AlertCounts::default, |open| {
                        AlertCounts { firing: open.firing, pending: open.pending }
                    }),
                    refused: refusals.remove(&symbol).map(|refusal| Refused {
                        reason: refusal.reason,
                        detail: refusal.detail,
                        at: refusal.at,
                    }),
                    symbol,
                }
            })
            .collect()
    }
}

fn by_symbol<T>(rows: Vec<T>, symbol: impl Fn(&T) -> &Symbol) -> HashMap<Symbol, T> {
    rows.into_iter().map(|row| (symbol(&row).clone(), row)).collect()
}

/// Lists each watched symbol with its quote, session, closes, sentiment, signal and alerts.
#[utoipa::path(
    get, path = "/api/watchlist", tag = "product", operation_id = "listWatchlist",
    responses((status = 200, body = Page<WatchedSymbol>)),
)]
async fn list_watchlist(State(app): Shared) -> Result<ReplicaRead<Page<WatchedSymbol>>> {
    let found = app.read(Found::read).await?;
    Ok(found.map(|found| Page::all(found.rows())))
}

/// Every watched symbol in the form of `GET /api/watchlist`, for callers outside the API.
pub async fn watchlist_page(pool: &Db) -> sqlx::Result<impl Serialize> {
    Ok(Page::all(Found::read(pool.clone()).await?.rows()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WatchRequest)]
struct Watch {
    /// A ticker.
    #[schema(example = "NVDA")]
    symbol: String,
}

/// A symbol of the watchlist.
#[derive(Serialize, ToSchema)]
struct Watching {
    #[schema(value_type = String, example = "NVDA")]
    symbol: Symbol,
    /// The batch that scrapes its first prices and news, which takes one or two calls of each source;
    /// empty if the symbol was watched already.
    jobs: Vec<Queued>,
}

/// Adds a symbol to the watchlist and scrapes it once now; afterwards each round includes it. 200 if it
/// is watched already.
#[utoipa::path(
    post, path = "/api/watchlist", tag = "product", operation_id = "addToWatchlist",
    request_body = Watch,
    responses((status = 201, body = Watching), (status = 200, body = Watching)),
)]
async fn watch(
    State(app): Shared,
    actor: Actor,
    Body(watch, _): Body<Watch>,
) -> Result<(StatusCode, Json<Watching>)> {
    let symbol: Symbol =
        watch.symbol.parse().map_err(|e: InvalidSymbol| Problem::field("symbol", e.to_string()))?;
    let mut tx = app.pool.begin().await.map_err(Problem::from)?;
    instrument::add_unwatched(&mut *tx, std::slice::from_ref(&symbol)).await?;
    if !instrument::watch(&mut *tx, &symbol, true).await? {
        return Ok((StatusCode::OK, Json(Watching { symbol, jobs: Vec::new() })));
    }
    let args = json!({ "symbols": [symbol], "reason": "watchlist" });
    let job = trigger::job(&app, "scrape_batch", &args)?;
    let id = queue::enqueue(&mut *tx, &job).await?.id.to_string();
    let after = json!({ "watched": true, "jobs": [id] });
    actor.record_audit(&mut tx, "watchlist.add", symbol.as_str(), (), after).await?;
    event::emit(&mut *tx, "quote", symbol.as_str()).await?;
    tx.commit().await.map_err(Problem::from)?;
    let jobs = vec![Queued { id, kind: job.kind, state: JobState::Available }];
    Ok((StatusCode::CREATED, Json(Watching { symbol, jobs })))
}

/// Removes a symbol from the watchlist. Its prices, news and signals are kept as long as others.
#[utoipa::path(
    delete, path = "/api/watchlist/{symbol}", tag = "product", operation_id = "removeFromWatchlist",
    params(("symbol" = String, Path, example = "NVDA")),
    responses((status = 204)),
)]
async fn unwatch(
    State(app): Shared,
    actor: Actor,
    KnownSymbol(symbol): KnownSymbol,
) -> Result<StatusCode> {
    let mut tx = app.pool.begin().await.map_err(Problem::from)?;
    if !instrument::watch(&mut *tx, &symbol, false).await? {
        return Err(Problem::not_found(format!("{symbol} is not watched here")).at("symbol"));
    }
    let (before, after) = (json!({ "watched": true }), json!({ "watched": false }));
    actor.record_audit(&mut tx, "watchlist.remove", symbol.as_str(), before, after).await?;
    event::emit(&mut *tx, "quote", symbol.as_str()).await?;
    tx.commit().await.map_err(Problem::from)?;
    Ok(StatusCode::NO_CONTENT)
}
