//! Commands to a limit key, by operators and on a provider's answer: park, open the breaker,
//! override, record usage.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::Usage;
use crate::{Error, attempt::MOST_USED, db::interval, event};

/// Parks a key on every process for `wait` from now, by the database's clock; a longer park stays.
/// Returns the time until which it is parked; `None`: no such key.
pub async fn park(
    db: &mut PgConnection,
    key: &str,
    wait: Duration,
    reason: &str,
) -> Result<Option<DateTime<Utc>>, Error> {
    let until = sqlx::query_scalar!("select queue.park($1, $2, $3)", key, interval(wait), reason)
        .fetch_one(&mut *db)
        .await?;
    if until.is_some() {
        event::emit(db, "limit", key).await?;
    }
    Ok(until)
}

/// Ends a park; `false`: no such key.
pub async fn resume(db: &mut PgConnection, key: &str) -> Result<bool, Error> {
    let id = sqlx::query_scalar!(
        "update queue.limit_key set parked_until = null, parked_why = null where name = $1 returning id",
        key
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Ends the park with this reason that ends at `until`; `false`: there is no such park, or a longer
/// park has replaced it.
pub async fn unpark(
    db: &mut PgConnection,
    key: &str,
    until: DateTime<Utc>,
    reason: &str,
) -> Result<bool, Error> {
    let id = sqlx::query_scalar!(
        "update queue.limit_key set parked_until = null, parked_why = null
        where name = $1 and parked_until = $2 and parked_why = left($3, 500) returning id",
        key,
        until,
        reason
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Opens a key's breaker for `wait`, also if the key is defined without one; then one call at a
/// time is allowed, and the first success closes it. A parent key makes no calls of its own that
/// could close it, so it is parked instead. A breaker that is open for longer stays so. `false`: no
/// such key.
pub async fn open_breaker(db: &mut PgConnection, key: &str, wait: Duration) -> Result<bool, Error> {
    let is_parent = sqlx::query_scalar!(
        r#"select exists (select from queue.limit_key c join queue.limit_key k on k.id = c.parent where k.name = $1) as "yes!""#,
        key
    )
    .fetch_one(&mut *db)
    .await?;
    if is_parent {
        return Ok(park(db, key, wait, "tripped by hand").await?.is_some());
    }
    let id = sqlx::query_scalar!(
        "update queue.limit_key set open_until = greatest(open_until, clock_timestamp() + $2), opened = greatest(opened, 1) where name = $1 returning id",
        key,
        interval(wait)
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Closes a key's breaker and resets its faults; `false`: no such key.
pub async fn close_breaker(db: &mut PgConnection, key: &str) -> Result<bool, Error> {
    let id = sqlx::query_scalar!(
        "update queue.limit_key set open_until = null, opened = 0, faults = 0 where name = $1 returning id",
        key
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Overrides the amount of a window for `wait`; `None` ends the override. `no` is the window's
/// place in [`Limit::windows`](super::Limit::windows), from 0. `false`: no such window.
pub async fn override_window(
    db: &mut PgConnection,
    key: &str,
    no: u16,
    amount: Option<(u64, Duration)>,
) -> Result<bool, Error> {
    let (amount, wait) = amount.unzip();
    let id = sqlx::query_scalar!(
        "with reopened as (update queue.limit_key set closed_until = null where name = $1 returning id)
        update queue.limit_window w
        set override_amount = $3, override_until = clock_timestamp() + $4
        from reopened k
        where w.key = k.id and w.no = $2 returning k.id",
        key,
        i16::try_from(no).unwrap_or(i16::MAX),
        amount.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
        wait.map(interval) as Option<sqlx::postgres::types::PgInterval>
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Records calls that were made outside of the queue, or that the provider reports. They count in
/// every window from now on. `false`: no such key.
pub async fn record_external_usage(
    db: &mut PgConnection,
    key: &str,
    requests: u32,
    usage: Usage,
) -> Result<bool, Error> {
    let known = sqlx::query_scalar!(
        r#"select queue.record_external_usage($1, $2, $3, $4) as "known!""#,
        key,
        i64::from(requests),
        usage.tokens.min(MOST_USED).cast_signed(),
        usage.micros.min(MOST_USED).cast_signed()
    )
    .fetch_one(&mut *db)
    .await?;
    if known {
        event::emit(db, "limit", key).await?;
    }
    Ok(known)
}

async fn changed(db: &mut PgConnection, key: &str, id: Option<i32>) -> Result<bool, Error> {
    if let Some(id) = id {
        sqlx::query!("select queue.wake_key($1)", id).execute(&mut *db).await?;
        event::emit(db, "limit", key).await?;
    }
    Ok(id.is_some())
}

/// The calls that a key could serve now, and the jobs that wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Requests that its own tightest window of requests allows now, tokens, money and its parent
    /// apart; 0 while it is parked or its breaker is open.
    pub permits: u32,
    /// Requests left in the longest window of requests of the key and of its parent.
    pub longest: u32,
    /// Jobs that wait in its lanes, counted up to 10,000.
    pub waiting: u32,
}

/// Returns a key's capacity; `None`: no such key.
pub async fn capacity(db: impl PgExecutor<'_>, key: &str) -> Result<Option<Capacity>, Error> {
    let row = sqlx::query!(
        r#"select greatest(least(m.requests, m.calls), 0) as "permits!",
            coalesce((
                select greatest(x.amount - x.used, 0)
                from queue.windows(array[k.id, k.parent], clock_timestamp()) x
                join queue.limit_window w on w.key = x.key and w.no = x.no
                where x.dimension = 'requests'
                order by coalesce(w.period, ('1 ' || w.calendar)::interval) desc, x.amount - x.used limit 1
            ), 1000000) as "longest!",
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 10000
                ) r where lk.key = k.id limit 10000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral queue.capacity(array[k.id], clock_timestamp()) m
        where k.name = $1"#,
        key
    )
    .fetch_optional(db)
    .await?;
    let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(row.map(|r| Capacity {
        permits: count(r.permits),
        longest: count(r.longest),
        waiting: count(r.waiting),
    }))
}
