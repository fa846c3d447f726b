//! `bellwether limits`: the providers' limits in a terminal.

use std::time::Duration;

use anyhow::bail;
use bellwether_api::{limit_page, limit_view};
use bellwether_queue::{
    Db, audit,
    inspect::{self, LimitView, WindowView},
    limits, schedule,
};
use bellwether_store::operator;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    args::value::parse_time,
    database::{Database, DatabaseArgs},
    out::{named, plain, say, table},
    watch::{self, Watch},
};

#[derive(Args)]
pub(crate) struct LimitsArgs {
    #[command(subcommand)]
    action: LimitsAction,
    /// One JSON document instead of text, in the form of the API
    #[arg(long, env = "BELLWETHER_LIMITS_JSON", global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum LimitsAction {
    /// List every limit key with its usage, and its park with the reason
    List(Watch),
    /// Park a key on every worker, for 30 days or the given time; a longer park is kept
    Park {
        key: String,
        /// Duration, for example 30m; at most 30d
        #[arg(
            long = "for",
            env = "BELLWETHER_LIMITS_FOR",
            value_name = "TIME",
            value_parser = parse_park,
            conflicts_with = "until"
        )]
        span: Option<Duration>,
        /// End, for example 2026-11-30T14:30:00Z; at most 30 days away
        #[arg(
            long,
            env = "BELLWETHER_LIMITS_UNTIL",
            value_name = "TIME",
            value_parser = parse_time
        )]
        until: Option<DateTime<Utc>>,
        /// Reason, shown beside the key
        #[arg(long, env = "BELLWETHER_LIMITS_REASON", value_parser = parse_reason)]
        reason: Option<String>,
    },
    /// End a park
    Resume { key: String },
}

/// Longest park.
const LONGEST_PARK: Duration = Duration::from_hours(24 * 30);

fn parse_park(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|e| e.to_string())?;
    let fits = (Duration::from_secs(1)..=LONGEST_PARK).contains(&span);
    fits.then_some(span).ok_or_else(|| "a park lasts 1s to 30d".to_owned())
}

fn parse_reason(text: &str) -> Result<String, &'static str> {
    let fits = (1..=200).contains(&text.chars().count()) && !text.contains('\0');
    fits.then(|| text.to_owned()).ok_or("a reason has 1 to 200 characters")
}

pub(crate) async fn run(args: LimitsArgs) -> anyhow::Result<bool> {
    Database::using(&args.database, async |database| {
        act(&database.pool, args.action, args.json).await
    })
    .await
}

async fn act(pool: &Db, action: LimitsAction, json: bool) -> anyhow::Result<bool> {
    let key = match action {
        LimitsAction::List(watch) => {
            return watch
                .show(
                    async || {
                        if json { watch::json(&limit_page(pool).await?) } else { list(pool).await }
                    },
                )
                .await;
        }
        LimitsAction::Park { key, span, until, reason } => {
            let now = schedule::now(pool).await?;
            let span = match until {
                Some(until) => span_until(until, now)?,
                None => span.unwrap_or(LONGEST_PARK),
            };
            park(pool, &key, span, reason.as_deref().unwrap_or("parked by an operator")).await?;
            key
        }
        LimitsAction::Resume { key } => {
            resume(pool, &key).await?;
            key
        }
    };
    if json {
        say!("{}", serde_json::to_string(&limit_view(pool, &key).await?)?)?;
    } else {
        let limit = find(pool, &key).await?;
        say!("{key} is {}", state(&limit, schedule::now(pool).await?))?;
    }
    Ok(true)
}

fn span_until(until: DateTime<Utc>, now: DateTime<Utc>) -> anyhow::Result<Duration> {
    match (until - now).to_std() {
        Ok(span) if !span.is_zero() && span <= LONGEST_PARK => Ok(span),
        _ => bail!("--until (BELLWETHER_LIMITS_UNTIL): a time in the future, at most 30 days away"),
    }
}

/// Parks the key and adds an entry of the audit, in one transaction.
async fn park(pool: &Db, key: &str, span: Duration, reason: &str) -> anyhow::Result<()> {
    let before = parked(&find(pool, key).await?);
    let mut tx = pool.begin().await?;
    let until = limits::park(&mut tx, key, span, reason).await?;
    let after = json!({"parked_until": until, "parked_why": reason});
    let detail = json!({"before": before, "after": after});
    audit::add(&mut *tx, "cli", "limit.park", key, &detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends the park and adds an entry of the audit, in one transaction. The operator is notified again
/// if the provider still refuses the key.
async fn resume(pool: &Db, key: &str) -> anyhow::Result<()> {
    let before = parked(&find(pool, key).await?);
    let mut tx = pool.begin().await?;
    limits::resume(&mut tx, key).await?;
    operator::clear(&mut *tx, key).await?;
    let detail = json!({"before": before, "after": {"parked_until": null}});
    audit::add(&mut *tx, "cli", "limit.resume", key, &detail).await?;
    tx.commit().await?;
    Ok(())
}

fn parked(limit: &LimitView) -> serde_json::Value {
    json!({"parked_until": limit.parked_until, "parked_why": limit.parked_why})
}

async fn find(pool: &Db, key: &str) -> anyhow::Result<LimitView> {
    named(inspect::limits(pool).await?, "limit", key, |limit| &limit.key)
}

async fn list(pool: &Db) -> anyhow::Result<String> {
    let now = schedule::now(pool).await?;
    let rows = inspect::limits(pool).await?.into_iter().map(|limit| {
        let left: Vec<String> = limit.windows.iter().map(window).collect();
        let left = if left.is_empty() { "unlimited".to_owned() } else { left.join(", ") };
        let state = state(&limit, now);
        vec![limit.key, limit.waiting.to_string(), left, state]
    });
    Ok(table(&["LIMIT", "WAITING", "LEFT", "STATE"], rows))
}

/// For example `12 of 25 requests/day`.
fn window(window: &WindowView) -> String {
    let period = match (&window.calendar, window.period_s) {
        (Some((unit, _)), _) => unit.clone(),
        (None, Some(seconds)) => {
            humantime::format_duration(Duration::from_secs_f64(seconds)).to_string()
        }
        (None, None) => "ever".to_owned(),
    };
    let unit = if window.dimension == "money" { "micros" } else { &window.dimension };
    format!("{} of {} {unit}/{period}", window.remaining, window.amount)
}

/// State in a word: parked, stopped by its breaker, or open.
fn state(limit: &LimitView, now: DateTime<Utc>) -> String {
    match (limit.parked_until, &limit.parked_why) {
        (Some(until), why) if until > now => {
            let why = plain(why.as_deref().unwrap_or("without a reason"));
            format!("parked until {}: {why}", until.format("%FT%TZ"))
        }
        _ if limit.breaker.state != "closed" => {
            format!("stopped by its breaker after {} failures", limit.breaker.failures)
        }
        _ => "open".to_owned(),
    }
}

/// Names each parked key with its reason, for the banner of `up`.
pub(crate) async fn say_parked(pool: &Db) -> anyhow::Result<()> {
    let now = schedule::now(pool).await?;
    for limit in inspect::limits(pool).await? {
        if limit.parked_until.is_some_and(|until| until > now) {
            let key = &limit.key;
            say!("  {key} is {}", state(&limit, now))?;
            say!("    `bellwether limits resume {key}` ends this")?;
        }
    }
    Ok(())
}
