//! What people and providers say of a key: park, trip, override, count.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::Usage;
use crate::{Error, attempt::MOST_USED, event, process::interval};

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
pub async fn resume(db: &mut PgConnection, key: &str) -> Result<bool, Error> {
    let id = sqlx::query_scalar!(
        "update queue.limit_key set parked_until = null, parked_why = null where name = $1 returning id",
        key
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Opens a key's breaker for `wait`, also of a key that has none; then one call at a time is let
/// through, and the first good one closes it. A parent, which makes no calls of its own that could
/// tell, is parked instead. One that is open for longer stays so. `false`: no such key.
pub async fn trip(db: &mut PgConnection, key: &str, wait: Duration) -> Result<bool, Error> {
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

/// Closes a key's breaker and forgets its faults; `false`: no such key.
pub async fn reset(db: &mut PgConnection, key: &str) -> Result<bool, Error> {
    let id = sqlx::query_scalar!(
        "update queue.limit_key set open_until = null, opened = 0, faults = 0 where name = $1 returning id",
        key
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Gives a window another amount for `wait` (`None`: its own again). `no` is its place in
/// [`Limit::windows`](super::Limit::windows), from 0. `false`: no such window.
pub async fn override_window(
    db: &mut PgConnection,
    key: &str,
    no: u16,
    amount: Option<(u64, Duration)>,
) -> Result<bool, Error> {
    let (amount, wait) = amount.unzip();
    let id = sqlx::query_scalar!(
        "update queue.limit_window w
        set override_amount = $3, override_until = clock_timestamp() + $4
        from queue.limit_key k
        where k.name = $1 and w.key = k.id and w.no = $2 returning k.id",
        key,
        i16::try_from(no).unwrap_or(i16::MAX),
        amount.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
        wait.map(interval) as Option<sqlx::postgres::types::PgInterval>
    )
    .fetch_optional(&mut *db)
    .await?;
    changed(db, key, id).await
}

/// Adds calls to a key's ledger that somebody else made, or that the provider says were made. They
/// count in every window from now on. `false`: no such key.
pub async fn count_elsewhere(
    db: &mut PgConnection,
    key: &str,
    requests: u32,
    usage: Usage,
) -> Result<bool, Error> {
    let known = sqlx::query_scalar!(
        r#"select queue.count_elsewhere_v1($1, $2, $3, $4) as "known!""#,
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

/// How many calls a key could serve now, and how many jobs wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// In its tightest window; 0 while parked.
    pub permits: u32,
    /// In its longest window of requests.
    pub longest: u32,
    /// Jobs that wait in its lanes, counted up to 10,000.
    pub waiting: u32,
}

/// `None`: no such key.
pub async fn room(db: impl PgExecutor<'_>, key: &str) -> Result<Option<Room>, Error> {
    let row = sqlx::query!(
        r#"select greatest(m.requests, 0) as "permits!",
            coalesce((
                select greatest(x.amount - x.used, 0)
                from queue.windows_v1(array[k.id, k.parent], clock_timestamp()) x
                join queue.limit_window w on w.key = x.key and w.no = x.no
                where x.dimension = 'requests'
                order by coalesce(w.period, ('1 ' || w.calendar)::interval) desc, x.amount - x.used limit 1
            ), 1000000) as "longest!",
            (select count(*) from (
                select from queue.lane_key lk cross join lateral (
                    select from queue.ready r where r.lane = lk.lane order by r.priority, r.id limit 10000
                ) r where lk.key = k.id limit 10000
            ) x) as "waiting!"
        from queue.limit_key k cross join lateral queue.room_v2(array[k.id], clock_timestamp()) m
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
