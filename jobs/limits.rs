//! Limit keys of the providers, their windows by default, and the keys of each lane.

mod fallback;
mod plan;

use std::{borrow::Cow, time::Duration};

use bellwether_providers::{
    Prompt,
    catalog::{self, Counted, Entry, Serves},
};
use bellwether_queue::{
    self as queue, inspect,
    limits::{
        Breaker, Counts, Dimension, LaneKey, Limit, Period, Unit, Window, define as define_limit,
        set_lane,
    },
};

use bellwether_store as store;

pub(crate) use fallback::adjust_fallback_waits;
pub use plan::{Plan, PlanError, Plans};

use crate::{
    Error, Services, analyze_article, analyzer::LEXICON, scrape_feed, scrape_news, scrape_quotes,
    send_notification,
};

/// Share of a model's windows that is reserved for incoming news, and the last priority that may
/// use it.
const KEPT_FOR_NEWS: (f64, u8) = (0.2, 6);
/// Smallest amount of which a share can be reserved.
const DIVISIBLE: u64 = 10;
/// Time beyond its timeout for which a call may still be in flight.
const GRACE: Duration = Duration::from_secs(10);

/// A lane of jobs, its keys in order of preference, and their limits.
struct Lane {
    queue: &'static str,
    name: Cow<'static, str>,
    /// Parents before their children.
    limits: Vec<Limit>,
    keys: Vec<LaneKey>,
}

impl Lane {
    fn free(queue: &'static str, name: &'static str) -> Self {
        Self { queue, name: name.into(), limits: Vec::new(), keys: Vec::new() }
    }

    fn one(queue: &'static str, name: impl Into<Cow<'static, str>>, limit: Limit) -> Self {
        let keys = vec![LaneKey::new(&limit.key)];
        Self { queue, name: name.into(), limits: vec![limit], keys }
    }
}

/// Length of a window in seconds; approximate for a calendar's.
pub(crate) fn length_s(window: &inspect::WindowView) -> f64 {
    let of_calendar = |(unit, _): &(String, String)| match unit.as_str() {
        "minute" => 60.0,
        "hour" => 3_600.0,
        "day" => 86_400.0,
        _ => 2_678_400.0,
    };
    window.period_s.or_else(|| window.calendar.as_ref().map(of_calendar)).unwrap_or(0.0)
}

/// Defines the limit keys and the lanes of these queues.
pub async fn define(services: &Services, queues: &[&str]) -> Result<(), Error> {
    for lane in lanes(services).into_iter().filter(|lane| queues.contains(&lane.queue)) {
        check(&lane)?;
        for limit in &lane.limits {
            define_limit(&services.pool, limit).await?;
        }
        set_lane(&services.pool, lane.queue, &lane.name, &lane.keys).await?;
        for limit in &lane.limits {
            lift(services, &limit.key).await?;
        }
    }
    Ok(())
}

/// Ends the park of a key whose provider refused another credential than the configured one. A
/// longer park by an operator is kept.
async fn lift(services: &Services, key: &str) -> Result<(), Error> {
    let mut tx = services.pool.begin().await?;
    for stop in store::operator::list_stops(&mut *tx, key).await? {
        if services.credentials.is_marked(key, &stop.credential) {
            continue;
        }
        let why = format!("{}: {}", stop.reason, stop.detail);
        if queue::limits::unpark(&mut tx, key, stop.parked_until, &why).await? {
            tracing::info!(key, "resumed: it was parked for another credential ({})", stop.reason);
        }
        store::operator::clear(&mut *tx, key).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Refuses a window of the account that is too small for one call: it would stop all of its models
/// without a reason. The queue checks a key's own windows.
fn check(lane: &Lane) -> Result<(), Error> {
    let limit = |key: &str| lane.limits.iter().find(|limit| limit.key == key);
    for key in &lane.keys {
        let parent = limit(&key.key).and_then(|own| limit(own.parent.as_deref()?));
        for (parent, window) in parent.iter().flat_map(|p| p.windows.iter().map(move |w| (p, w))) {
            let one = match window.dimension {
                Dimension::Requests => 1,
                Dimension::Tokens => key.tokens.into(),
                Dimension::Money => key.micros,
            };
            if window.amount < one {
                let reason = format!(
                    "has a window of {}, less than the {one} that one call to {} reserves",
                    window.amount, key.key
                );
                return Err(queue::Error::Limit { key: parent.key.clone(), reason }.into());
            }
        }
    }
    Ok(())
}

/// The lanes of all queues. A provider that is off has its limit too.
fn lanes(services: &Services) -> Vec<Lane> {
    let mut lanes = vec![readers(services)];
    for entry in catalog::ALL {
        let own = match entry.serves {
            // prices and news share one quota
            Serves::Market(_) => vec![
                (scrape_quotes::QUEUE, scrape_quotes::LANE),
                (scrape_news::QUEUE, scrape_news::FEED),
            ],
            Serves::News(_) => vec![(scrape_news::QUEUE, scrape_news::LANE)],
            // each feed is polled by its own server's patience
            Serves::Feeds => {
                let windows = services.plans.of(entry).scaled(services.limit_scale);
                let feed = |name: String| key(&name, entry, windows.clone());
                let keys = services.feeds.iter().map(|rss| feed(rss.feed().key()));
                lanes.extend(
                    keys.map(|limit| Lane::one(scrape_feed::QUEUE, limit.key.clone(), limit)),
                );
                continue;
            }
            Serves::Models(_) => Vec::new(),
            Serves::Messages => send_notification::lane_of(entry)
                .map(|lane| (send_notification::QUEUE, lane))
                .into_iter()
                .collect(),
        };
        let windows = services.plans.of(entry).scaled(services.limit_scale);
        let limit = key(entry.name, entry, windows);
        lanes.extend(own.into_iter().map(|(queue, lane)| Lane::one(queue, lane, limit.clone())));
    }
    lanes
}

fn key(name: &str, entry: &Entry, windows: Vec<Window>) -> Limit {
    let counts = match entry.counted {
        Counted::Finish => Counts::Finish,
        Counted::Start { guard } => Counts::Start { guard },
    };
    let limit = Limit::new(name, counts).call_timeout(entry.timeout + GRACE);
    let limit = limit.breaker(breaker(&windows));
    windows.into_iter().fold(limit, Limit::window)
}

/// Cooldown of a breaker. A probe is a call too: while its service is away, a key with few calls a
/// day is not probed more often than it could be called all day.
fn breaker(windows: &[Window]) -> Breaker {
    let usual = Breaker::default();
    let pace = windows.iter().filter(|w| w.dimension == Dimension::Requests).map(|w| {
        let amount = u32::try_from(w.amount).unwrap_or(u32::MAX).max(1);
        match w.period {
            Period::Rolling(period) => period / amount,
            Period::Calendar { unit, .. } => unit_length(unit) / amount,
        }
    });
    Breaker { longest: pace.max().unwrap_or_default().max(usual.longest), ..usual }
}

fn unit_length(unit: Unit) -> Duration {
    match unit {
        Unit::Minute => Duration::from_mins(1),
        Unit::Hour => Duration::from_hours(1),
        Unit::Day => Duration::from_hours(24),
        Unit::Month => Duration::from_hours(24 * 31),
    }
}

/// The readers' lane: the models in order of preference, each with its fallback time, and the
/// lexicon, which is always available.
fn readers(services: &Services) -> Lane {
    let mut lane = Lane::free(analyze_article::QUEUE, analyze_article::LANE);
    let models = services.analyzers.models();
    let plans = &services.plans;
    let mut accounts: Vec<&Entry> = Vec::new();
    for model in models {
        let Some((entry, client)) = model.client() else { continue };
        let account = plans.of_account(entry);
        if let Some(plan) = account
            && !accounts.contains(&entry)
        {
            // each model has a breaker of its own
            let windows = plan.scaled(services.limit_scale);
            let limit = Limit::new(entry.name, Counts::Finish);
            lane.limits.push(windows.into_iter().fold(limit, Limit::window));
            accounts.push(entry);
        }
        let name = client.key();
        let windows = plans.of_model(entry, client.model()).scaled(services.limit_scale);
        let divisible = windows.iter().all(|window| window.amount >= DIVISIBLE);
        let mut limit = key(name, entry, windows);
        if divisible {
            limit = limit.reserve(KEPT_FOR_NEWS.0, KEPT_FOR_NEWS.1);
        }
        if account.is_some() {
            limit = limit.parent(entry.name);
        }
        lane.limits.push(limit);
        let tokens = u32::try_from(Prompt::MOST.total()).unwrap_or(u32::MAX);
        let micros = client.price().micros(Prompt::MOST);
        lane.keys.push(
            LaneKey::new(name).fallback_after(fallback::FALLBACK_AFTER).reserve(tokens, micros),
        );
    }
    if !lane.keys.is_empty() {
        lane.limits.push(Limit::new(LEXICON, Counts::Finish));
        lane.keys.push(LaneKey::new(LEXICON));
    }
    lane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_few_calls_a_day_is_probed_no_more_often_than_it_could_be_asked() {
        let longest = |plan: &str| breaker(&plan.parse::<Plan>().unwrap().scaled(1.0)).longest;
        assert_eq!(longest("1/1200ms, 25/25h"), Duration::from_hours(1));
        assert_eq!(longest("50/12h"), Breaker::default().longest);
        assert_eq!(longest("24/day UTC, 1 usd/month"), Duration::from_hours(1));
        assert_eq!(breaker(&[]), Breaker::default());
    }
}
