//! Limit keys with their windows, from the ledger's own rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use sqlx::PgPool;

use crate::Error;

#[derive(Clone, Debug)]
pub struct WindowView {
    pub dimension: String,
    pub amount: i64,
    pub period_s: f64,
    pub used: i64,
    pub remaining: i64,
}

#[derive(Clone, Debug)]
pub struct LimitView {
    pub key: String,
    /// start or finish.
    pub counts: String,
    pub windows: Vec<WindowView>,
    pub in_flight: i64,
    pub in_flight_cap: Option<i64>,
    /// When one call could be granted; in the past: now. `None`: once a call in flight has ended.
    pub next_permit_at: Option<DateTime<Utc>>,
    pub parked_until: Option<DateTime<Utc>>,
    pub parked_why: Option<String>,
    /// Jobs that wait in lanes of this key.
    pub waiting: i64,
}

/// Every limit key, by name.
pub async fn limits(pool: &PgPool) -> Result<Vec<LimitView>, Error> {
    let rows = sqlx::query!(
        r#"select k.id, k.name, k.counts, k.in_flight, k.parked_until, k.parked_why,
            (select count(*) from queue.running r where r.key = k.id) as "flying!",
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at,
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 100000
                ) r where lk.key = k.id limit 100000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral (select queue.next_permit_v1(k.id, clock_timestamp()) as at) n
        order by k.name"#
    )
    .fetch_all(pool)
    .await?;
    let mut windows = windows(pool).await?;
    Ok(rows
        .into_iter()
        .map(|r| LimitView {
            windows: windows.remove(&r.id).unwrap_or_default(),
            key: r.name,
            counts: r.counts,
            in_flight: r.flying,
            in_flight_cap: r.in_flight.map(i64::from),
            next_permit_at: r.next_at.filter(|at| at.year() < 9999),
            parked_until: r.parked_until,
            parked_why: r.parked_why,
            waiting: r.waiting,
        })
        .collect())
}

async fn windows(pool: &PgPool) -> Result<BTreeMap<i32, Vec<WindowView>>, Error> {
    let rows = sqlx::query!(
        r#"select w.key, w.dimension, w.amount, extract(epoch from w.period)::float8 as "period!",
            (coalesce(last.cum_requests - base.before, 0) + u.n
                + case k.counts when 'finish' then f.n else 0 end)::bigint as "used!"
        from queue.limit_window w join queue.limit_key k on k.id = w.key
        cross join lateral (select count(*) as n from queue.running r where r.key = k.id) f
        left join lateral (
            select g.at, g.cum_requests from queue.permit_grant g where g.key = k.id order by g.at desc limit 1
        ) last on true
        cross join lateral (
            select coalesce(sum(s.requests), 0) as n from queue.settlement s
            where s.key = k.id and greatest(s.at, last.at) > statement_timestamp() - w.period - k.guard
        ) u
        left join lateral (
            select g.cum_requests - g.requests as before from queue.permit_grant g
            where g.key = k.id and g.at > greatest(statement_timestamp(), last.at) - w.period - k.guard
            order by g.at limit 1
        ) base on true
        order by w.key, w.no"#
    )
    .fetch_all(pool)
    .await?;
    let mut windows: BTreeMap<i32, Vec<WindowView>> = BTreeMap::new();
    for r in rows {
        windows.entry(r.key).or_default().push(WindowView {
            dimension: r.dimension,
            amount: r.amount,
            period_s: r.period,
            used: r.used,
            remaining: (r.amount - r.used).max(0),
        });
    }
    Ok(windows)
}
