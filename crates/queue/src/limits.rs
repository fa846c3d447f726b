//! Limit keys: quotas as the provider counts them, held across every process.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool, postgres::types::PgInterval};

use crate::{Error, event, process::interval};

/// What a call counts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// A call counts while it is in flight and for the period after its end: safe whatever the
    /// latency, at the price of latency / period.
    Finish,
    /// A call counts from the grant for the period plus `guard`; its permit is good for `guard`.
    Start { guard: Duration },
}

/// At most `amount` requests in any `period`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub amount: u32,
    /// Whole milliseconds; hours, never days.
    pub period: Duration,
}

/// One quota.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limit {
    pub key: String,
    pub counts: Counts,
    pub windows: Vec<Window>,
    /// Most calls in flight at a time.
    pub in_flight: Option<u32>,
}

/// Makes the key exist with these windows. What was granted before stays counted, and a park
/// stays in force.
pub async fn define(pool: &PgPool, limit: &Limit) -> Result<(), Error> {
    let (counts, guard) = match limit.counts {
        Counts::Finish => ("finish", Duration::ZERO),
        Counts::Start { guard } => ("start", guard),
    };
    let mut tx = pool.begin().await?;
    let key = sqlx::query_scalar!(
        "insert into queue.limit_key (name, counts, guard, in_flight) values ($1, $2, $3, $4)
        on conflict (name) do update
            set counts = excluded.counts, guard = excluded.guard, in_flight = excluded.in_flight
        returning id",
        limit.key,
        counts,
        interval(guard),
        limit.in_flight.map(|n| n as i32)
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!("delete from queue.limit_window where key = $1", key).execute(&mut *tx).await?;
    for (no, window) in limit.windows.iter().enumerate() {
        sqlx::query!(
            "insert into queue.limit_window (key, no, dimension, amount, period)
            values ($1, $2, 'requests', $3, $4)",
            key,
            no as i16,
            i64::from(window.amount),
            interval(window.period)
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Sets the keys of a lane, best first; each with the longest wait it is worth before the next one
/// serves (`None`: any wait). No keys: the lane is free. An unknown key is left out.
pub async fn set_lane(
    pool: &PgPool,
    queue: &str,
    lane: &str,
    keys: &[(&str, Option<Duration>)],
) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    sqlx::query!("insert into queue.queue (name) values ($1) on conflict do nothing", queue)
        .execute(&mut *tx)
        .await?;
    let id = sqlx::query_scalar!(
        "insert into queue.lane (queue, name) values ($1, $2)
        on conflict (queue, name) do update set name = excluded.name returning id",
        queue,
        lane
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!("delete from queue.lane_key where lane = $1", id).execute(&mut *tx).await?;
    for (position, (key, wait)) in keys.iter().enumerate() {
        sqlx::query!(
            "insert into queue.lane_key (lane, position, key, wait)
            select $1, $2, id, $4 from queue.limit_key where name = $3",
            id,
            position as i16,
            key,
            wait.map(interval) as Option<PgInterval>
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!("select queue.wake(array[$1::text])", queue).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Stops a key on every process for `wait` from now by the database's clock; a longer park wins.
/// Returns until when it is parked, `None` for an unknown key.
pub async fn park(
    db: &mut PgConnection,
    key: &str,
    wait: Duration,
    reason: &str,
) -> Result<Option<DateTime<Utc>>, Error> {
    let until =
        sqlx::query_scalar!("select queue.park_v1($1, $2, $3)", key, interval(wait), reason)
            .fetch_one(&mut *db)
            .await?;
    if until.is_some() {
        event::emit(db, "limit", key).await?;
    }
    Ok(until)
}

/// Ends a park; `false`: no such key.
pub async fn resume(pool: &PgPool, key: &str) -> Result<bool, Error> {
    let mut tx = pool.begin().await?;
    let id = sqlx::query_scalar!(
        "update queue.limit_key set parked_until = null, parked_why = null where name = $1 returning id",
        key
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = id {
        sqlx::query!("select queue.wake_key($1)", id).execute(&mut *tx).await?;
        event::emit(&mut *tx, "limit", key).await?;
    }
    tx.commit().await?;
    Ok(id.is_some())
}

/// How many calls a key could serve now, and how many jobs wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// In its tightest window; 0 while parked.
    pub permits: u32,
    /// In its longest window.
    pub longest: u32,
    /// Jobs that wait in its lanes, counted up to 10,000.
    pub waiting: u32,
}

/// `None`: no such key.
pub async fn room(db: impl PgExecutor<'_>, key: &str) -> Result<Option<Room>, Error> {
    let row = sqlx::query!(
        r#"select
            case when k.parked_until > clock_timestamp() then 0 else greatest(m.requests, 0) end as "permits!",
            greatest(m.longest, 0) as "longest!",
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 10000
                ) r where lk.key = k.id limit 10000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral queue.room_v1(array[k.id], clock_timestamp()) m
        where k.name = $1"#,
        key
    )
    .fetch_optional(db)
    .await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(row.map(|r| Room {
        permits: count(r.permits),
        longest: count(r.longest),
        waiting: count(r.waiting),
    }))
}
