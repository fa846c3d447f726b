//! Limit keys with their windows, from the ledger's own rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};

use crate::{Db, Error};

/// One window of a key.
#[derive(Clone, Debug)]
pub struct WindowView {
    pub no: u16,
    /// requests, tokens or money (in micros).
    pub dimension: String,
    /// The amount that it allows now.
    pub amount: i64,
    /// The amount that it allows without an override.
    pub base_amount: i64,
    pub override_until: Option<DateTime<Utc>>,
    /// Length of a rolling window.
    pub period_s: Option<f64>,
    /// Unit and zone of a calendar window.
    pub calendar: Option<(String, String)>,
    /// Posted, in flight and reserved.
    pub used: i64,
    pub remaining: i64,
    /// Start of the next unit of a calendar window.
    pub resets_at: Option<DateTime<Utc>>,
    /// Time at which it will be used up at the pace of the last tenth of its length (at least a
    /// minute, at most an hour); `None`: not at that pace.
    pub exhausted_at: Option<DateTime<Utc>>,
}

/// A key's breaker.
#[derive(Clone, Debug)]
pub struct BreakerView {
    /// closed, open or half_open.
    pub state: &'static str,
    /// Faults in a row.
    pub failures: i32,
    /// Faults that open it; `None`: only an operator opens it.
    pub threshold: Option<i16>,
    pub open_until: Option<DateTime<Utc>>,
    pub cooldown_s: f64,
}

/// A lane that a key serves.
#[derive(Clone, Debug)]
pub struct LaneView {
    pub queue: String,
    pub lane: String,
    /// 0: the first choice.
    pub position: i16,
    /// Seconds that a permit may take before the lane falls back to the next key; `None`: any time.
    pub wait_s: Option<f64>,
    pub tokens: i64,
    pub micros: i64,
}

/// A limit key.
#[derive(Clone, Debug)]
pub struct LimitView {
    pub key: String,
    /// start or finish.
    pub counts: String,
    pub parent: Option<String>,
    pub windows: Vec<WindowView>,
    pub in_flight: i64,
    pub in_flight_cap: Option<i64>,
    /// Reserved share, and the last urgent priority.
    pub reserve: Option<(f64, i16)>,
    pub breaker: BreakerView,
    pub lanes: Vec<LaneView>,
    /// Time of the next permit for one call; in the past: now. `None`: not before a call in flight
    /// has ended.
    pub next_permit_at: Option<DateTime<Utc>>,
    pub parked_until: Option<DateTime<Utc>>,
    pub parked_why: Option<String>,
    /// Jobs that wait in lanes of this key.
    pub waiting: i64,
}

/// Lists every limit key, by name.
pub async fn limits(pool: &Db) -> Result<Vec<LimitView>, Error> {
    let rows = sqlx::query!(
        r#"select k.id, k.name, k.counts, k.in_flight, k.parked_until, k.parked_why, k.share, k.urgent,
            p.name as "parent?", k.faults, k.trip_after, k.open_until,
            extract(epoch from least(k.cooldown * power(2, least(greatest(k.opened - 1, 0), 16)), k.cooldown_max))::float8 as "cooldown!",
            k.open_until <= clock_timestamp() as half_open,
            (select count(*) from queue.running r where r.key = any (m.ids))
                + (select count(*) from queue.settlement s where s.key = any (m.ids) and s.at > clock_timestamp()) as "flying!",
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at,
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 100000
                ) r where lk.key = k.id limit 100000
            ) x) as "waiting!"
        from queue.limit_key k
        left join queue.limit_key p on p.id = k.parent
        cross join lateral (select k.id || array(select c.id from queue.limit_key c where c.parent = k.id) as ids offset 0) m
        cross join lateral (select queue.next_permit(k.id, clock_timestamp()) as at) n
        order by k.name"#
    )
    .fetch_all(pool)
    .await?;
    let mut windows = windows(pool).await?;
    let mut lanes = lanes(pool).await?;
    Ok(rows
        .into_iter()
        .map(|r| LimitView {
            windows: windows.remove(&r.id).unwrap_or_default(),
            lanes: lanes.remove(&r.id).unwrap_or_default(),
            key: r.name,
            counts: r.counts,
            parent: r.parent,
            in_flight: r.flying,
            in_flight_cap: r.in_flight.map(i64::from),
            reserve: (r.share > 0.0).then_some((r.share, r.urgent)),
            breaker: BreakerView {
                state: match r.half_open {
                    None => "closed",
                    Some(false) => "open",
                    Some(true) => "half_open",
                },
                failures: r.faults,
                threshold: r.trip_after,
                open_until: r.open_until,
                cooldown_s: r.cooldown,
            },
            next_permit_at: r.next_at.filter(|at| at.year() < 9999),
            parked_until: r.parked_until,
            parked_why: r.parked_why,
            waiting: r.waiting,
        })
        .collect())
}

async fn windows(pool: &Db) -> Result<BTreeMap<i32, Vec<WindowView>>, Error> {
    let rows = sqlx::query!(
        r#"select v.key as "key!", v.no as "no!", v.dimension as "dimension!", v.amount as "amount!", v.used as "used!",
            v.resets_at, w.amount as base_amount, w.calendar, w.zone,
            extract(epoch from w.period)::float8 as period,
            case when w.override_until > statement_timestamp() then w.override_until end as override_until,
            extract(epoch from pace.over)::float8 as "over!",
            (case w.dimension
                when 'requests' then last.requests - before.requests
                when 'tokens' then last.tokens - before.tokens
                else last.micros - before.micros end)::float8 as lately,
            statement_timestamp() as "now!"
        from queue.windows(array(select id from queue.limit_key), statement_timestamp()) v
        join queue.limit_window w on w.key = v.key and w.no = v.no
        cross join lateral (select least(greatest(coalesce(w.period, ('1 ' || w.calendar)::interval) / 10, interval '1 minute'), interval '1 hour') as over) pace
        left join lateral (
            select g.cum_requests as requests, g.cum_tokens as tokens, g.cum_micros as micros
            from queue.permit_grant g where g.key = v.key order by g.at desc limit 1
        ) last on true
        left join lateral (
            select g.cum_requests - g.requests as requests, g.cum_tokens - g.tokens as tokens, g.cum_micros - g.micros as micros
            from queue.permit_grant g where g.key = v.key and g.at > statement_timestamp() - pace.over order by g.at limit 1
        ) before on true
        order by v.key, v.no"#
    )
    .fetch_all(pool)
    .await?;
    let mut windows: BTreeMap<i32, Vec<WindowView>> = BTreeMap::new();
    for r in rows {
        let remaining = (r.amount - r.used).max(0);
        let rate = r.lately.unwrap_or(0.0) / r.over;
        let seconds = remaining as f64 / rate;
        // Usage that leaves a rolling window frees capacity: at a pace below amount / period it is
        // never used up.
        let lasts = r.period.is_some_and(|period| rate * period <= r.amount as f64);
        let exhausted_at = (rate > 0.0 && !lasts && seconds < 366.0 * 86_400.0)
            .then(|| r.now + chrono::TimeDelta::milliseconds((seconds * 1000.0) as i64))
            .filter(|at| r.resets_at.is_none_or(|reset| *at < reset));
        windows.entry(r.key).or_default().push(WindowView {
            no: r.no.cast_unsigned(),
            dimension: r.dimension,
            amount: r.amount,
            base_amount: r.base_amount,
            override_until: r.override_until,
            period_s: r.period,
            calendar: r.calendar.zip(r.zone),
            used: r.used,
            remaining,
            resets_at: r.resets_at,
            exhausted_at,
        });
    }
    Ok(windows)
}

async fn lanes(pool: &Db) -> Result<BTreeMap<i32, Vec<LaneView>>, Error> {
    let rows = sqlx::query!(
        r#"select lk.key, l.queue, l.name, lk.position, extract(epoch from lk.fallback_after)::float8 as fallback_after, lk.tokens, lk.micros
        from queue.lane_key lk join queue.lane l on l.id = lk.lane
        order by lk.key, l.queue, l.name"#
    )
    .fetch_all(pool)
    .await?;
    let mut lanes: BTreeMap<i32, Vec<LaneView>> = BTreeMap::new();
    for r in rows {
        lanes.entry(r.key).or_default().push(LaneView {
            queue: r.queue,
            lane: r.name,
            position: r.position,
            wait_s: r.fallback_after,
            tokens: r.tokens,
            micros: r.micros,
        });
    }
    Ok(lanes)
}
