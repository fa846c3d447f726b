//! The control routes under /_sandbox: time, faults, limits, ledger and outbox.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::answer;
use crate::app::App;
use crate::clock::Clock;
use crate::faults::{self, Faults, Setting};
use crate::limits::{Limits, Windows};
use crate::outbox::Outbox;
use crate::problem::Problem;
use crate::world::{self, PLANTED_IC, World};

type Shared = State<Arc<App>>;
type Answer = Result<Response, Problem>;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_sandbox/reset", post(reset))
        .route("/_sandbox/clock", post(clock).get(time))
        .route("/_sandbox/faults", post(set_faults).get(show_faults).delete(clear_faults))
        .route("/_sandbox/jump", post(jump))
        .route("/_sandbox/limits", post(set_limits).get(show_limits))
        .route("/_sandbox/ledger", get(ledger))
        .route("/_sandbox/outbox", get(outbox))
        .route("/_sandbox/truth", get(truth))
        .route("/_sandbox/metrics", get(metrics))
        .route("/_sandbox/health", get(health))
}

#[expect(clippy::unnecessary_wraps, reason = "the last line of answers that can be problems")]
fn ok(body: &Value) -> Answer {
    Ok(answer::json(200, body))
}

/// An empty body stands for `{}`.
fn parse<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Problem> {
    let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(format!("the body does not fit: {error}")).with("example", json!(example))
    })
}

fn query(uri: &Uri) -> BTreeMap<String, String> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    pairs.into_owned().collect()
}

fn number(query: &BTreeMap<String, String>, name: &str) -> Result<Option<u64>, Problem> {
    let wrong = |_| Problem::new(format!("`{name}` is to be a whole number from 0"));
    query.get(name).map(|text| text.parse().map_err(wrong)).transpose()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
    now: Option<DateTime<Utc>>,
}

/// Resets profile, limits and faults to the start; empties ledger and outbox.
async fn reset(State(app): Shared, body: Bytes) -> Answer {
    let asked: Reset = parse(&body, r#"{"seed":42,"now":"2026-11-23T15:00:00Z"}"#)?;
    if asked.now.is_some_and(|now| !world::knows(now)) {
        return Err(Problem::new(world::KNOWN_SPAN));
    }
    let options = &app.options;
    {
        let mut inner = app.lock();
        let world = inner.world.again(asked.seed.unwrap_or(options.seed));
        inner.clock = Clock::starting_at(asked.now.or(options.now).or(options.profile.now()));
        inner.world = Arc::new(world);
        inner.limits = options.profile.limits(options.limits.clone());
        inner.windows = Windows::default();
        inner.faults = options.profile.faults();
        inner.ledger.clear();
        inner.outbox = Outbox::default();
    }
    time(State(app)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockOrder {
    advance: Option<Value>,
    stopped: Option<bool>,
}

/// Moves the clock on, stops it, or lets it run again.
async fn clock(State(app): Shared, body: Bytes) -> Answer {
    let example = r#"{"advance":"2h"}"#;
    let asked: ClockOrder = parse(&body, example)?;
    if asked.advance.is_none() && asked.stopped.is_none() {
        return Err(Problem::new("name `advance` or `stopped`").with("example", json!(example)));
    }
    if let Some(advance) = asked.advance {
        let by = faults::duration(&advance).and_then(|by| TimeDelta::from_std(by).ok());
        let now = app.lock().clock.now();
        let by = by
            .filter(|by| now.checked_add_signed(*by).is_some_and(world::knows))
            .ok_or_else(|| {
                Problem::new(format!(
                    "`advance` is to be seconds or a text such as \"90s\", \"30m\", \"2h\", \"1d\", \
                     not below zero; {}",
                    world::KNOWN_SPAN
                ))
                .with("example", json!(example))
            })?;
        app.lock().clock.advance(by);
    }
    if let Some(stopped) = asked.stopped {
        app.lock().clock.stop(stopped);
    }
    time(State(app)).await
}

async fn time(State(app): Shared) -> Answer {
    let inner = app.lock();
    ok(&json!({"now": inner.clock.now(), "seed": inner.world.seed}))
}

async fn set_faults(State(app): Shared, body: Bytes) -> Answer {
    let example = r#"[{"id":"F20","match":"GLOBAL_QUOTE","count":1}]"#;
    // One object means a list of one.
    let value: Value = parse(&body, example).map_err(|p| p.with("known", faults::known_ids()))?;
    let list = if value.is_array() { value } else { json!([value]) };
    let settings: Vec<Setting> = serde_json::from_value(list).map_err(|error| {
        Problem::new(format!("the body does not fit: {error}"))
            .with("example", json!(example))
            .with("known", faults::known_ids())
    })?;
    let faults = Faults::new(settings)?;
    app.lock().faults = faults;
    show_faults(State(app)).await
}

async fn show_faults(State(app): Shared) -> Answer {
    let inner = app.lock();
    ok(&json!({"faults": inner.faults.to_json(), "known": faults::catalogue()}))
}

async fn clear_faults(State(app): Shared) -> Answer {
    app.lock().faults = Faults::default();
    show_faults(State(app)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    symbol: String,
    percent: f64,
}

async fn jump(State(app): Shared, body: Bytes) -> Answer {
    let asked: Move = parse(&body, r#"{"symbol":"AAPL","percent":-12}"#)?;
    let company = World::company(&asked.symbol).ok_or_else(|| {
        let known: Value = World::symbols().collect();
        Problem::new(format!("there is no symbol `{}` here", asked.symbol)).with("known", known)
    })?;
    if !(asked.percent > -100.0 && asked.percent <= 10_000.0) {
        return Err(Problem::new("`percent` is to lie above -100 and not above 10000"));
    }
    let inner = app.lock();
    let now = inner.clock.now();
    let before = inner.world.quote(company, now, 0).bar;
    inner.world.jump(company, asked.percent, now);
    let after = inner.world.quote(company, now, 0).bar;
    ok(&json!({
        "symbol": company.symbol,
        "trading_day": after.day,
        "before": format!("{:.2}", before.close),
        "after": format!("{:.2}", after.close),
    }))
}

async fn set_limits(State(app): Shared, body: Bytes) -> Answer {
    let example = r#"{"scale":0.2,"gemini":{"rpm":5}}"#;
    let patch: Map<String, Value> = parse(&body, example)?;
    let mut inner = app.lock();
    let patched = inner.limits.clone().patched(&patch);
    inner.limits = patched.map_err(|detail| {
        Problem::new(detail).with("known", json!(Limits::names())).with("example", json!(example))
    })?;
    ok(&inner.limits.to_json())
}

async fn show_limits(State(app): Shared) -> Answer {
    ok(&app.lock().limits.to_json())
}

/// Filters `?provider=` and `?after=seq`, and `?limit=`. `dropped` counts the requests that a full
/// ledger has removed.
async fn ledger(State(app): Shared, uri: Uri) -> Answer {
    let query = query(&uri);
    let after = number(&query, "after")?.unwrap_or(0);
    let limit = number(&query, "limit")?.unwrap_or(u64::MAX);
    let provider = query.get("provider");
    let inner = app.lock();
    let wanted = |entry: &&crate::ledger::Entry| {
        entry.seq > after && provider.is_none_or(|name| name == entry.provider)
    };
    let found: Vec<_> = inner.ledger.entries().filter(wanted).take(limit as usize).collect();
    ok(&json!({
        "now": inner.clock.now(),
        "items": found,
        "dropped": inner.ledger.dropped(),
    }))
}

async fn outbox(State(app): Shared) -> Answer {
    ok(&json!(app.lock().outbox))
}

/// Filters `?symbol=`, `?from=` and `?to=` (days); the default is the last week.
async fn truth(State(app): Shared, uri: Uri) -> Answer {
    let query = query(&uri);
    let (world, now) = {
        let inner = app.lock();
        (Arc::clone(&inner.world), inner.clock.now())
    };
    let day = |name: &str, default: NaiveDate| match query.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            Problem::new(format!("`{name}` is to be a day such as 2026-11-20, not `{text}`"))
        }),
    };
    let to = day("to", now.date_naive())?;
    let from = day("from", to - TimeDelta::days(7))?;
    if to - from > TimeDelta::days(800) {
        return Err(Problem::new("at most 800 days at a time"));
    }
    let symbol = query.get("symbol");
    let events: Vec<_> = world
        .events(from, to)
        .iter()
        .filter(|event| symbol.is_none_or(|symbol| symbol == event.symbol))
        .map(|event| {
            let urls: Vec<_> = event.articles.iter().map(|article| &article.url).collect();
            json!({
                "cluster": event.id,
                "symbol": event.symbol,
                "at": event.at,
                "event": event.kind,
                "polarity": event.polarity,
                "label": event.label(),
                "relevance": event.relevance(),
                "noise": event.noise,
                "title": event.articles[0].title,
                "urls": urls,
            })
        })
        .collect();
    ok(&json!({"seed": world.seed, "now": now, "planted_ic": PLANTED_IC, "events": events}))
}

async fn metrics(State(app): Shared) -> Response {
    let inner = app.lock();
    let mut text = "# HELP sandbox_requests_total Answers by provider, status and verdict.\n\
                    # TYPE sandbox_requests_total counter\n"
        .to_owned();
    for ((provider, status, verdict), count) in inner.ledger.counts() {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let labels = format!("provider=\"{provider}\",status=\"{status}\",verdict=\"{verdict}\"");
        writeln!(text, "sandbox_requests_total{{{labels}}} {count}").expect("a string takes all");
    }
    text += "# HELP sandbox_outbox_messages Messages in the outbox.\n\
             # TYPE sandbox_outbox_messages gauge\n";
    let outbox = &inner.outbox;
    for (channel, count) in [
        ("sms", outbox.sms.len()),
        ("email", outbox.email.len()),
        ("webhook", outbox.webhook.len()),
    ] {
        writeln!(text, "sandbox_outbox_messages{{channel=\"{channel}\"}} {count}")
            .expect("a string takes all");
    }
    let now = inner.clock.now().timestamp();
    write!(
        text,
        "# HELP sandbox_clock_seconds The sandbox's own time.\n\
         # TYPE sandbox_clock_seconds gauge\nsandbox_clock_seconds {now}\n"
    )
    .expect("a string takes all");
    answer::raw(200, "text/plain; version=0.0.4", text)
}

async fn health(State(app): Shared) -> Answer {
    let inner = app.lock();
    ok(&json!({
        "status": "healthy",
        "service": "sandbox",
        "version": env!("CARGO_PKG_VERSION"),
        "profile": app.options.profile.to_string(),
        "now": inner.clock.now(),
        "seed": inner.world.seed,
        "faults": inner.faults.len(),
    }))
}
