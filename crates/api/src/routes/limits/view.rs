//! Views of limits.

use std::collections::BTreeMap;

use bellwether_queue::{self as queue, Db, inspect};
use bellwether_store::operator;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LimitDimension)]
pub(super) enum Dimension {
    Requests,
    Tokens,
    /// In millionths of a US dollar.
    Money,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LimitCounting)]
pub(super) enum Counting {
    /// A call counts from its grant.
    Start,
    /// A call counts while it is in flight, and for the period after its end.
    Finish,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CalendarUnit)]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Month,
}

/// A window that resets with each minute, hour, day or month of a zone's calendar.
#[derive(Serialize, ToSchema)]
pub(super) struct Calendar {
    pub(super) unit: Unit,
    #[schema(example = "America/Los_Angeles")]
    pub(super) zone: String,
}

/// At most `amount` in its period, which rolls (`period_seconds`) or follows a `calendar`.
#[derive(Serialize, ToSchema)]
#[schema(as = LimitWindow)]
pub(super) struct Window {
    /// Its number among the key's windows, from 0.
    pub(super) no: u16,
    pub(super) dimension: Dimension,
    /// Amount in force: `base_amount`, or that of an override. Requests, tokens, or millionths of a
    /// US dollar.
    #[schema(example = 25)]
    pub(super) amount: u64,
    /// Without an override.
    pub(super) base_amount: u64,
    /// `null`: there is no override.
    pub(super) override_until: Option<DateTime<Utc>>,
    /// `null` for a calendar window.
    #[schema(example = 60.0)]
    pub(super) period_seconds: Option<f64>,
    pub(super) calendar: Option<Calendar>,
    /// Posted in it, and reserved by calls in flight.
    pub(super) used: u64,
    /// `amount` less `used`, at least 0.
    pub(super) remaining: u64,
    /// When a calendar window resets; `null` for a rolling one.
    pub(super) resets_at: Option<DateTime<Utc>>,
    /// When nothing will be left at the recent rate; `null` if not before the window resets, or if
    /// it cannot be estimated.
    pub(super) exhausted_at: Option<DateTime<Utc>>,
}

/// A share of each window that is reserved for urgent jobs.
#[derive(Serialize, ToSchema)]
pub(super) struct Reserve {
    /// 0 to 1.
    #[schema(example = 0.2)]
    pub(super) share: f64,
    /// The last priority that counts as urgent, 0 to 9.
    pub(super) priority: u8,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BreakerState {
    /// Calls pass.
    Closed,
    /// No call passes.
    Open,
    /// One probe passes, and decides.
    HalfOpen,
}

/// Stops a key whose service fails repeatedly.
#[derive(Serialize, ToSchema)]
pub(super) struct Breaker {
    pub(super) state: BreakerState,
    /// Consecutive failures.
    pub(super) failures: u32,
    /// Consecutive failures that open it; `null`: only an operator opens it.
    pub(super) threshold: Option<u32>,
    pub(super) open_until: Option<DateTime<Utc>>,
    /// First time that it stays open, in seconds; longer with each probe that fails.
    pub(super) cooldown_seconds: f64,
}

/// A lane whose jobs this key may serve.
#[derive(Serialize, ToSchema)]
#[schema(as = LimitLane)]
pub(super) struct Serves {
    #[schema(example = "analyzer")]
    pub(super) queue: String,
    pub(super) lane: String,
    /// 0 for the lane's best key.
    pub(super) position: u16,
    /// Wait after which the lane's next key serves, in seconds; `null`: this key is always waited
    /// for.
    pub(super) wait_seconds: Option<f64>,
}

#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub(super) struct Spending {
    pub(super) requests: u64,
    pub(super) tokens: u64,
    /// Millionths of a US dollar.
    pub(super) micros: u64,
}

/// One quota as its provider counts it, shared by every worker.
#[derive(Serialize, ToSchema)]
pub(super) struct Limit {
    #[schema(example = "alpha_vantage")]
    pub(super) key: String,
    pub(super) counts_from: Counting,
    /// The parent key, in which a call needs capacity too.
    pub(super) parent: Option<String>,
    pub(super) windows: Vec<Window>,
    pub(super) in_flight: i64,
    pub(super) in_flight_cap: Option<i64>,
    /// Time of the next permitted call; in the past: now; `null`: after the end of a call in
    /// flight.
    pub(super) next_permit_at: Option<DateTime<Utc>>,
    pub(super) parked_until: Option<DateTime<Utc>>,
    pub(super) parked_why: Option<String>,
    /// Jobs that wait for it.
    pub(super) waiting: i64,
    pub(super) reserve: Option<Reserve>,
    /// `null` if the key has no breaker and no operator has opened one.
    pub(super) breaker: Option<Breaker>,
    pub(super) lanes: Vec<Serves>,
    /// Since midnight UTC.
    pub(super) spent_today: Spending,
    /// When the provider retires the model of the key, if known.
    pub(super) retires_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LimitPoint)]
pub(super) struct Point {
    pub(super) at: DateTime<Utc>,
    pub(super) used: u64,
}

/// Usage of one window over its last period.
#[derive(Serialize, ToSchema)]
#[schema(as = LimitHistory)]
pub(super) struct History {
    /// The window's.
    pub(super) no: u16,
    /// Oldest first.
    pub(super) points: Vec<Point>,
}

/// Usage of one day (UTC).
#[derive(Serialize, ToSchema)]
#[schema(as = LimitDay)]
pub(super) struct Day {
    pub(super) day: NaiveDate,
    #[serde(flatten)]
    pub(super) spending: Spending,
}

/// A limit with its usage.
#[derive(Serialize, ToSchema)]
pub(super) struct LimitDetail {
    #[serde(flatten)]
    pub(super) limit: Limit,
    /// Of each window.
    pub(super) history: Vec<History>,
    /// The last 30 days, oldest first; days without a call are left out.
    pub(super) days: Vec<Day>,
}

/// Reason of the operator note about a model's retirement.
const RETIREMENT: &str = "model_retiring";

/// Facts about the keys beside their windows.
pub(super) struct Around {
    today: BTreeMap<String, Spending>,
    retiring: BTreeMap<String, DateTime<Utc>>,
}

impl Around {
    pub(super) async fn of(pool: &Db) -> Result<Self, queue::Error> {
        let today = inspect::spending(pool, None, 1).await?;
        let notes = operator::list(pool).await?;
        let retiring = notes.into_iter().filter(|note| note.reason == RETIREMENT);
        Ok(Self {
            today: today.into_iter().map(|day| (day.key.clone(), (&day).into())).collect(),
            retiring: retiring
                .filter_map(|note| {
                    let key = note.key.strip_prefix("model/").unwrap_or(&note.key).to_owned();
                    Some((key, note.detail.parse().ok()?))
                })
                .collect(),
        })
    }

    pub(super) fn show(&self, limit: inspect::LimitView) -> Limit {
        let breaker = limit.breaker;
        let state = match breaker.state {
            "open" => BreakerState::Open,
            "half_open" => BreakerState::HalfOpen,
            _ => BreakerState::Closed,
        };
        let has_breaker = breaker.threshold.is_some() || breaker.state != "closed";
        Limit {
            spent_today: self.today.get(&limit.key).copied().unwrap_or_default(),
            retires_at: self.retiring.get(&limit.key).copied(),
            counts_from: if limit.counts == "start" { Counting::Start } else { Counting::Finish },
            key: limit.key,
            parent: limit.parent,
            windows: limit.windows.into_iter().map(Into::into).collect(),
            in_flight: limit.in_flight,
            in_flight_cap: limit.in_flight_cap,
            next_permit_at: limit.next_permit_at,
            parked_until: limit.parked_until,
            parked_why: limit.parked_why,
            waiting: limit.waiting,
            reserve: limit
                .reserve
                .map(|(share, priority)| Reserve { share, priority: whole(priority) }),
            breaker: has_breaker.then(|| Breaker {
                state,
                failures: whole(breaker.failures),
                threshold: breaker.threshold.map(whole),
                open_until: breaker.open_until,
                cooldown_seconds: breaker.cooldown_s,
            }),
            lanes: limit.lanes.into_iter().map(Into::into).collect(),
        }
    }
}

/// A count, at least 0.
fn whole<T: TryFrom<N> + Default, N>(n: N) -> T {
    T::try_from(n).unwrap_or_default()
}

impl From<inspect::WindowView> for Window {
    fn from(window: inspect::WindowView) -> Self {
        Self {
            no: window.no,
            dimension: match window.dimension.as_str() {
                "tokens" => Dimension::Tokens,
                "money" => Dimension::Money,
                _ => Dimension::Requests,
            },
            amount: whole(window.amount),
            base_amount: whole(window.base_amount),
            override_until: window.override_until,
            period_seconds: window.period_s,
            calendar: window.calendar.map(|(unit, zone)| Calendar {
                unit: match unit.as_str() {
                    "minute" => Unit::Minute,
                    "hour" => Unit::Hour,
                    "month" => Unit::Month,
                    _ => Unit::Day,
                },
                zone,
            }),
            used: whole(window.used),
            remaining: whole(window.remaining),
            resets_at: window.resets_at,
            exhausted_at: window.exhausted_at,
        }
    }
}

impl From<inspect::LaneView> for Serves {
    fn from(lane: inspect::LaneView) -> Self {
        Self {
            queue: lane.queue,
            lane: lane.lane,
            position: whole(lane.position),
            wait_seconds: lane.wait_s,
        }
    }
}

impl From<&inspect::DayUse> for Spending {
    fn from(day: &inspect::DayUse) -> Self {
        Self { requests: whole(day.requests), tokens: whole(day.tokens), micros: whole(day.micros) }
    }
}

impl From<inspect::DayUse> for Day {
    fn from(day: inspect::DayUse) -> Self {
        Self { day: day.day, spending: (&day).into() }
    }
}

impl From<(u16, Vec<inspect::Point>)> for History {
    fn from((no, points): (u16, Vec<inspect::Point>)) -> Self {
        let point = |p: inspect::Point| Point { at: p.at, used: whole(p.used) };
        Self { no, points: points.into_iter().map(point).collect() }
    }
}
