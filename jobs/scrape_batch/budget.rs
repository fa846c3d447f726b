//! Capacity of a provider's key for one round, and the requests that already wait for it.

use std::{collections::BTreeSet, fmt};

use bellwether_domain::Symbol;
use bellwether_queue::{self as queue, Attempt, Db, JobArgs, inspect};
use bellwether_store as store;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::ROUND;
use crate::{
    Error, ScrapeNews, ScrapeQuotes, Services,
    limits::{self, length_s},
};

/// Number of the newest jobs of a kind in which waiting ones are looked for.
const NEWEST: u16 = 500;
/// Longest part of a pause for which a search catches up.
const MADE_UP: TimeDelta = TimeDelta::hours(1);
/// The answers of a round are dated a little after it.
const SLACK: TimeDelta = TimeDelta::minutes(1);

/// The queue's side of a round: its limits, and the shares that jobs of earlier rounds still ask about.
pub(super) struct Open {
    pub(super) limits: Vec<inspect::LimitView>,
    pub(super) quotes: BTreeSet<Symbol>,
    pub(super) news: BTreeSet<Symbol>,
}

impl Open {
    pub(super) async fn find(cx: &Services, attempt: &Attempt) -> Result<Self, Error> {
        let now = store::now(&cx.pool).await?;
        match limits::adjust_fallback_waits(&cx.pool, now).await {
            Ok(worth) => {
                if let Some(minutes) = worth.map(|worth| worth.as_secs() / 60) {
                    attempt.log(format!("the fallback time of the models is {minutes} min"));
                }
            }
            Err(error) => tracing::warn!("cannot set the fallback times of the models: {error}"),
        }
        Ok(Self {
            limits: inspect::limits(&cx.pool).await?,
            quotes: waiting::<ScrapeQuotes>(&cx.pool).await?,
            news: waiting::<ScrapeNews>(&cx.pool).await?,
        })
    }
}

pub(super) struct CallBudget {
    /// Capacity of the longest window of requests for jobs that do not wait yet: 0 while the key is
    /// stopped until after the next round.
    pub(super) free: u32,
    stopped_until: Option<DateTime<Utc>>,
    /// Interval between two calls that are spread evenly over the longest window.
    pace: Option<TimeDelta>,
}

impl CallBudget {
    pub(super) async fn of(
        limits: &[inspect::LimitView],
        conn: &mut PgConnection,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let view = limits.iter().find(|view| view.key == key);
        let stops = view.map(|view| [view.parked_until, view.breaker.open_until]);
        let stopped_until =
            stops.into_iter().flatten().flatten().filter(|until| *until > now + ROUND).max();
        let room = queue::limits::capacity(conn, key).await?;
        let left = room.map_or(u32::MAX, |room| room.longest.saturating_sub(room.waiting));
        let free = if stopped_until.is_some() { 0 } else { left };
        Ok(Self { free, stopped_until, pace: view.and_then(pace) })
    }

    /// Share of this round in the free calls, after the `latest` one, if they are to last.
    pub(super) fn share_of(&self, latest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u32 {
        let Some(pace) = self.pace else { return self.free };
        let most = MADE_UP.max(pace);
        let since = latest.map_or(most, |at| (now - at + SLACK).min(most));
        let share = (since.as_seconds_f64() / pace.as_seconds_f64()).floor().max(0.0);
        self.free.min(share as u32)
    }
}

impl fmt::Display for CallBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stopped_until {
            Some(until) => write!(f, "stopped until {}: no calls", until.format("%FT%TZ")),
            None if self.free == u32::MAX => f.write_str("any number of calls is free"),
            None => write!(f, "{} calls are free", self.free),
        }
    }
}

fn pace(view: &inspect::LimitView) -> Option<TimeDelta> {
    let requests = view.windows.iter().filter(|w| w.dimension == "requests" && w.amount > 0);
    let longest = requests.max_by(|a, b| length_s(a).total_cmp(&length_s(b)))?;
    let ms = length_s(longest) * 1_000.0 / longest.amount as f64;
    Some(TimeDelta::milliseconds((ms as i64).max(1)))
}

/// The symbols that waiting jobs of a kind will request.
async fn waiting<J: JobArgs>(pool: &Db) -> Result<BTreeSet<Symbol>, Error> {
    let kind = Some(J::KIND.to_owned());
    let filter = inspect::JobFilter { kind, limit: NEWEST, ..inspect::JobFilter::default() };
    let jobs = inspect::list(pool, &filter).await?.items;
    Ok(jobs.iter().filter(|j| !j.state.is_final()).flat_map(|j| symbols(&j.args)).collect())
}

/// A job about a topic asks about no symbol.
fn symbols(args: &Value) -> Vec<Symbol> {
    if !args["topic"].is_null() {
        return Vec::new();
    }
    let many = args["symbols"].as_array().into_iter().flatten();
    let all = many.chain([&args["symbol"]]).filter_map(Value::as_str);
    all.filter_map(|symbol| symbol.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shares(minutes: i64, free: u32) -> [u32; 4] {
        let room =
            CallBudget { free, stopped_until: None, pace: Some(TimeDelta::minutes(minutes)) };
        let now: DateTime<Utc> = "2026-11-23T17:00:00Z".parse().unwrap();
        [None, Some(29), Some(89), Some(600)]
            .map(|ago| room.share_of(ago.map(|ago| now - TimeDelta::minutes(ago)), now))
    }

    #[test]
    fn searches_are_spread_over_their_window_however_few_they_are() {
        assert_eq!(shares(14, 50), [4, 2, 4, 4], "50 in 12 hours, 2 a round");
        assert_eq!(shares(14, 1), [1, 1, 1, 1]);
        assert_eq!(shares(72, 10), [1, 0, 1, 1], "10 in 12 hours, one in three rounds");
        assert_eq!(shares(300, 5), [1, 0, 0, 1]);
        let boundless = CallBudget { free: 7, stopped_until: None, pace: None };
        assert_eq!(boundless.share_of(None, DateTime::UNIX_EPOCH), 7);
    }

    #[test]
    fn what_a_job_asks_about_stands_in_its_arguments() {
        let of = |args| symbols(&args).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of(json!({"symbol": "AAPL", "batch": 1})), ["AAPL"]);
        assert_eq!(of(json!({"symbols": ["AAPL", "MSFT"]})), ["AAPL", "MSFT"]);
        assert!(of(json!({"symbols": ["AAPL"], "topic": "earnings"})).is_empty());
    }
}
