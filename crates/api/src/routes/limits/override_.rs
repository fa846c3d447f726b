//! Overrides: other amounts for a time.

use std::time::Duration;

use axum::{Json, extract::State};
use bellwether_queue::{inspect::LimitView, limits};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{answer, find, reason, view::Limit};
use crate::http::{
    actor::Actor,
    app::Shared,
    extract::{Body, Name},
    problem::{Problem, Result},
};

/// 30 days.
const LONGEST: u64 = 2_592_000;
const MOST: u64 = 1_000_000_000_000;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LimitWindowChange)]
pub(super) struct WindowChange {
    /// The window's place among the key's, from 0.
    #[schema(minimum = 0)]
    no: i64,
    /// Amount for now: requests, tokens, or millionths of a US dollar. 0 stops the key; `null` ends
    /// an override.
    #[serde(deserialize_with = "present")]
    #[schema(required = true, minimum = 0, maximum = 1_000_000_000_000_i64, example = 10)]
    amount: Option<i64>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LimitChange)]
pub(super) struct Change {
    windows: Vec<WindowChange>,
    /// Duration of the new amounts: 1 second to 30 days. Not needed if every amount is `null`.
    #[schema(minimum = 1, maximum = 2_592_000, example = 3600)]
    for_seconds: Option<i64>,
    /// Kept in the audit.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::deserialize(deserializer)
}

/// Overrides the amounts of windows for a time; afterwards the base amounts apply again. In force
/// on every worker with its next claim. A slash in the key is written as `%2F`.
#[utoipa::path(
    patch, path = "/api/limits/{key}", tag = "limits", operation_id = "overrideLimit",
    params(("key" = String, Path, example = "alpha_vantage")), request_body = Change,
    responses((status = 200, body = Limit)),
)]
pub(super) async fn override_limit(
    State(app): Shared,
    actor: Actor,
    Name(key): Name,
    Body(change, _): Body<Change>,
) -> Result<Json<Limit>> {
    let before = find(&app, &key).await?;
    let wanted = check(&change, &before)?;
    let why = reason(change.reason, "overridden by an operator")?;
    let mut tx = app.pool.begin().await?;
    for (no, amount) in &wanted {
        limits::override_window(&mut tx, &key, *no, *amount).await?;
    }
    let was: Vec<_> = before
        .windows
        .iter()
        .filter(|w| wanted.iter().any(|(no, _)| *no == w.no))
        .map(|w| json!({ "no": w.no, "amount": w.amount, "override_until": w.override_until }))
        .collect();
    let now: Vec<_> = wanted
        .iter()
        .map(|(no, amount)| json!({ "no": no, "amount": amount.map(|(n, _)| n) }))
        .collect();
    let after = json!({ "windows": now, "for_seconds": change.for_seconds, "reason": why });
    actor.record_audit(&mut tx, "limit.override", &key, json!({ "windows": was }), after).await?;
    tx.commit().await?;
    answer(&app, &key).await
}

/// The windows by their number, each with its amount and duration; `None`: the base amount again.
type Wanted = Vec<(u16, Option<(u64, Duration)>)>;

fn check(change: &Change, limit: &LimitView) -> Result<Wanted> {
    if change.windows.is_empty() {
        return Err(Problem::field("windows", "name at least one window"));
    }
    let time = change
        .for_seconds
        .map(|seconds| {
            u64::try_from(seconds)
                .ok()
                .filter(|s| (1..=LONGEST).contains(s))
                .map(Duration::from_secs)
                .ok_or_else(|| Problem::field("for_seconds", "1 to 2592000, which is 30 days"))
        })
        .transpose()?;
    let mut wanted = Wanted::new();
    for (i, window) in change.windows.iter().enumerate() {
        let at = |field: &str| format!("windows[{i}].{field}");
        let no = u16::try_from(window.no)
            .ok()
            .filter(|no| limit.windows.iter().any(|w| w.no == *no))
            .ok_or_else(|| Problem::field(at("no"), "the key has no such window"))?;
        if wanted.iter().any(|(known, _)| *known == no) {
            return Err(Problem::field(at("no"), "the window is named twice"));
        }
        let amount = window
            .amount
            .map(|amount| {
                let amount = u64::try_from(amount).ok().filter(|n| *n <= MOST);
                let amount =
                    amount.ok_or_else(|| Problem::field(at("amount"), "0 to 1000000000000"))?;
                let time = time.ok_or_else(|| {
                    Problem::field("for_seconds", "say how long the new amount holds")
                })?;
                Ok::<_, Problem>((amount, time))
            })
            .transpose()?;
        wanted.push((no, amount));
    }
    Ok(wanted)
}
