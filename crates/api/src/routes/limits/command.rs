//! Commands on limit keys: park, resume, breaker, external usage.

use std::time::Duration;

use axum::{Json, extract::State};
use bellwether_queue::{
    inspect::LimitView,
    limits::{self, Usage},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{answer, find, reason, unknown, view::Limit};
use crate::http::{
    actor::Actor,
    app::Shared,
    extract::{Body, Name, OptionalBody, time},
    problem::{Problem, Result},
};

/// 30 days.
const LONGEST: i64 = 2_592_000;
/// Largest amount of one report of external usage, in each dimension.
const MOST: u32 = 1_000_000_000;

/// Duration of a park, by `seconds` or by `until`, at most 30 days; with neither, until the key is
/// resumed.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Park {
    /// 1 second to 30 days.
    #[schema(minimum = 1, maximum = 2_592_000, example = 60)]
    seconds: Option<i64>,
    /// In the future, at most 30 days away.
    #[serde(default, deserialize_with = "time")]
    until: Option<DateTime<Utc>>,
    /// Shown beside the key.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

impl Park {
    fn time(&self, now: DateTime<Utc>) -> Result<Duration> {
        match (self.seconds, self.until) {
            (None, None) => span(LONGEST),
            (Some(seconds), None) => span(seconds),
            (None, Some(until)) => (until - now)
                .to_std()
                .ok()
                .filter(|time| !time.is_zero() && time.as_secs() < LONGEST.unsigned_abs())
                .ok_or_else(|| {
                    Problem::field("until", "a time in the future, at most 30 days away")
                }),
            (Some(_), Some(_)) => Err(Problem::field("until", "say seconds or until, not both")),
        }
    }
}

fn span(seconds: i64) -> Result<Duration> {
    u64::try_from(seconds)
        .ok()
        .filter(|_| (1..=LONGEST).contains(&seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| Problem::field("seconds", "1 to 2592000 seconds, which is 30 days"))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trip {
    /// 1 second to 30 days.
    #[schema(minimum = 1, maximum = 2_592_000, example = 60)]
    seconds: i64,
    /// Kept in the audit.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// Parks a key on every worker for a time, or until it is resumed; a longer park wins. A slash in
/// the key is written as `%2F`.
#[utoipa::path(
    post, path = "/api/limits/{key}/park", tag = "limits", operation_id = "parkLimit",
    params(("key" = String, Path, example = "alpha_vantage")), request_body = Option<Park>,
    responses((status = 200, body = Limit)),
)]
pub(super) async fn park_limit(
    State(app): Shared,
    actor: Actor,
    Name(key): Name,
    OptionalBody(park): OptionalBody<Park>,
) -> Result<Json<Limit>> {
    let time = park.time(bellwether_store::now(&app.pool).await?)?;
    let why = reason(park.reason, "parked by an operator")?;
    let before = find(&app, &key).await?;
    let mut tx = app.pool.begin().await?;
    let until = limits::park(&mut tx, &key, time, &why).await?.ok_or_else(|| unknown(&key))?;
    actor
        .record_audit(
            &mut tx,
            "limit.park",
            &key,
            json!({ "parked_until": before.parked_until, "parked_why": before.parked_why }),
            json!({ "parked_until": until, "parked_why": why }),
        )
        .await?;
    tx.commit().await?;
    answer(&app, &key).await
}

/// Ends a park. Operator notes about the key are added again if their cause persists.
#[utoipa::path(
    post, path = "/api/limits/{key}/resume", tag = "limits", operation_id = "resumeLimit",
    params(("key" = String, Path, example = "alpha_vantage")),
    responses((status = 200, body = Limit)),
)]
pub(super) async fn resume_limit(
    State(app): Shared,
    actor: Actor,
    Name(key): Name,
) -> Result<Json<Limit>> {
    let before = find(&app, &key).await?;
    let mut tx = app.pool.begin().await?;
    limits::resume(&mut tx, &key).await?;
    bellwether_store::operator::clear(&mut *tx, &key).await?;
    let was = json!({ "parked_until": before.parked_until, "parked_why": before.parked_why });
    actor.record_audit(&mut tx, "limit.resume", &key, was, json!({ "parked_until": null })).await?;
    tx.commit().await?;
    answer(&app, &key).await
}

/// Opens the breaker of a key: no call passes for a time, then one probe, which decides.
#[utoipa::path(
    post, path = "/api/limits/{key}/trip", tag = "limits", operation_id = "tripLimit",
    params(("key" = String, Path, example = "alpha_vantage")), request_body = Trip,
    responses((status = 200, body = Limit)),
)]
pub(super) async fn trip_limit(
    State(app): Shared,
    actor: Actor,
    Name(key): Name,
    Body(trip, _): Body<Trip>,
) -> Result<Json<Limit>> {
    let time = span(trip.seconds)?;
    let why = reason(trip.reason, "tripped by hand")?;
    let before = find(&app, &key).await?;
    let mut tx = app.pool.begin().await?;
    limits::open_breaker(&mut tx, &key, time).await?;
    let now = json!({ "state": "open", "for_seconds": time.as_secs(), "reason": why });
    actor.record_audit(&mut tx, "limit.trip", &key, breaker(&before), now).await?;
    tx.commit().await?;
    answer(&app, &key).await
}

/// Closes the breaker of a key and forgets its failures.
#[utoipa::path(
    post, path = "/api/limits/{key}/reset", tag = "limits", operation_id = "resetLimit",
    params(("key" = String, Path, example = "alpha_vantage")),
    responses((status = 200, body = Limit)),
)]
pub(super) async fn reset_limit(
    State(app): Shared,
    actor: Actor,
    Name(key): Name,
) -> Result<Json<Limit>> {
    let before = find(&app, &key).await?;
    let mut tx = app.pool.begin().await?;
    limits::close_breaker(&mut tx, &key).await?;
    let now = json!({ "state": "closed", "failures": 0 });
    actor.record_audit(&mut tx, "limit.reset", &key, breaker(&before), now).await?;
    tx.commit().await?;
    answer(&app, &key).await
}

fn breaker(limit: &LimitView) -> serde_json::Value {
    let breaker = &limit.breaker;
    json!({ "state": breaker.state, "failures": breaker.failures, "open_until": breaker.open_until })
}

/// At least one of the three is above 0.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CallsElsewhere)]
pub(super) struct Elsewhere {
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 3)]
    requests: Option<i64>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    tokens: Option<i64>,
    /// Millionths of a US dollar.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    micros: Option<i64>,
    /// Kept in the audit.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// Counts calls made on the same quota outside this cluster, so that the key has that much less
/// left. They count from now.
#[utoipa::path(
    post, path = "/api/limits/{key}/count", tag = "limits", operation_id = "countLimit",
    params(("key" = String, Path, example = "alpha_vantage")), request_body = Elsewhere,
    responses((status = 200, body = Limit)),
)]
pub(super) async fn count_limit(
    State(app): Shared,
    actor: Actor,
    Name(key): Name,
    Body(made, _): Body<Elsewhere>,
) -> Result<Json<Limit>> {
    let field = |name: &str, n: Option<i64>| {
        let n = u32::try_from(n.unwrap_or(0)).ok().filter(|n| *n <= MOST);
        n.ok_or_else(|| Problem::field(name, "0 to 1000000000"))
    };
    let requests = field("requests", made.requests)?;
    let tokens = field("tokens", made.tokens)?;
    let micros = field("micros", made.micros)?;
    if [requests, tokens, micros] == [0, 0, 0] {
        return Err(Problem::field("requests", "say how many requests, tokens or micros"));
    }
    let why = reason(made.reason, "usage reported by an operator")?;
    let usage = Usage { tokens: tokens.into(), micros: micros.into() };
    let mut tx = app.pool.begin().await?;
    if !limits::record_external_usage(&mut tx, &key, requests, usage).await? {
        return Err(unknown(&key));
    }
    let counted =
        json!({ "requests": requests, "tokens": tokens, "micros": micros, "reason": why });
    actor.record_audit(&mut tx, "limit.count", &key, json!(null), counted).await?;
    tx.commit().await?;
    answer(&app, &key).await
}
