//! Definitions of limit keys and lanes.

use sqlx::{PgConnection, postgres::types::PgInterval};

use super::{Counts, LaneKey, Limit, Period, Window};
use crate::{Db, Error, db::interval, name};

/// Creates or changes a limit key. Earlier grants stay counted; a park, an open breaker and the
/// overrides of windows that remain stay in force. [`Error::Limit`]: the key could never grant a
/// permit; the reason names the field.
pub async fn define(pool: &Db, limit: &Limit) -> Result<(), Error> {
    check(limit)?;
    let (counts, guard) = match limit.counts {
        Counts::Finish => ("finish", std::time::Duration::ZERO),
        Counts::Start { guard } => ("start", guard),
    };
    let (share, urgent) = limit.reserve.map_or((0.0, 0), |r| (r.share, i16::from(r.priority)));
    let breaker = limit.breaker;
    let mut tx = pool.begin().await?;
    let parent = match &limit.parent {
        None => None,
        Some(parent) => Some(find_parent(&mut tx, limit, counts, parent).await?),
    };
    let key = sqlx::query_scalar!(
        "insert into queue.limit_key (name, counts, guard, in_flight, parent, share, urgent, call_timeout, trip_after, cooldown, cooldown_max)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, interval '30 seconds'), coalesce($11, interval '15 minutes'))
        on conflict (name) do update
            set counts = excluded.counts, guard = excluded.guard, in_flight = excluded.in_flight,
                parent = excluded.parent, share = excluded.share, urgent = excluded.urgent,
                call_timeout = excluded.call_timeout, trip_after = excluded.trip_after,
                cooldown = excluded.cooldown, cooldown_max = excluded.cooldown_max, closed_until = null
        returning id",
        limit.key,
        counts,
        interval(guard),
        limit.in_flight.map(|n| i32::try_from(n).unwrap_or(i32::MAX)),
        parent,
        share,
        urgent,
        interval(limit.call_timeout),
        breaker.map(|b| i16::try_from(b.failures).unwrap_or(i16::MAX)),
        breaker.map(|b| interval(b.cooldown)) as Option<PgInterval>,
        breaker.map(|b| interval(b.longest)) as Option<PgInterval>,
    )
    .fetch_one(&mut *tx)
    .await?;
    let unlike = sqlx::query_scalar!(
        "select c.name from queue.limit_key c where c.parent = $1 and c.counts <> $2 limit 1",
        key,
        counts
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(child) = unlike {
        return Err(refuse(
            limit,
            format!(
                "its child {child:?} counts differently: a key and its parent must count alike"
            ),
        ));
    }
    for (no, window) in limit.windows.iter().enumerate() {
        add_window(&mut tx, limit, key, no as i16, window).await?;
    }
    sqlx::query!(
        "delete from queue.limit_window where key = $1 and no >= $2",
        key,
        limit.windows.len() as i16
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

fn check(limit: &Limit) -> Result<(), Error> {
    let share = limit.reserve.map_or(0.0, |r| r.share);
    if limit.key.is_empty() || limit.key.chars().nth(120).is_some() {
        return Err(refuse(limit, "a key has 1 to 120 characters".to_owned()));
    }
    if !(0.0..1.0).contains(&share) {
        return Err(refuse(limit, format!("a reserve of {share} is not in 0 to below 1")));
    }
    if limit.reserve.is_some_and(|r| r.priority > 9) {
        return Err(refuse(limit, "priorities are 0 to 9".to_owned()));
    }
    if limit.in_flight == Some(0) {
        return Err(refuse(limit, "no call could ever be in flight".to_owned()));
    }
    if limit.breaker.is_some_and(|b| b.failures == 0) {
        return Err(refuse(limit, "a breaker opens after 1 failure or more".to_owned()));
    }
    for window in &limit.windows {
        let unit = window.dimension.as_str();
        if i64::try_from(window.amount).is_err() || window.amount == 0 {
            return Err(refuse(limit, format!("{} {unit} could never be granted", window.amount)));
        }
        if (window.amount as f64 * (1.0 - share)).floor() < 1.0 {
            let why = format!("the reserve leaves none of {} {unit} to other jobs", window.amount);
            return Err(refuse(limit, why));
        }
        if matches!(window.period, Period::Rolling(p) if p.as_millis() == 0) {
            return Err(refuse(limit, "a window is at least a millisecond long".to_owned()));
        }
    }
    Ok(())
}

async fn find_parent(
    tx: &mut PgConnection,
    limit: &Limit,
    counts: &str,
    parent: &str,
) -> Result<i32, Error> {
    let found = sqlx::query!(
        r#"select k.id, k.counts, k.parent is not null as "nested!",
            exists (select from queue.limit_key c join queue.limit_key own on own.id = c.parent where own.name = $2) as "is_parent!"
        from queue.limit_key k where k.name = $1"#,
        parent,
        limit.key
    )
    .fetch_optional(tx)
    .await?;
    match found {
        None => Err(refuse(limit, format!("its parent {parent:?} is not defined"))),
        Some(found) if found.nested || found.is_parent || parent == limit.key => Err(refuse(
            limit,
            format!("{parent:?} cannot be its parent: a parent key has no parent"),
        )),
        Some(found) if found.counts != counts => {
            let why = format!(
                "its parent {parent:?} counts from the {}: a key and its parent must count alike",
                found.counts
            );
            Err(refuse(limit, why))
        }
        Some(found) => Ok(found.id),
    }
}

async fn add_window(
    tx: &mut PgConnection,
    limit: &Limit,
    key: i32,
    no: i16,
    window: &Window,
) -> Result<(), Error> {
    let (period, calendar, zone) = match &window.period {
        Period::Rolling(period) => (Some(interval(*period)), None, None),
        Period::Calendar { unit, zone } => (None, Some(unit.as_str()), Some(zone.as_str())),
    };
    if let Some(zone) = zone {
        let known = sqlx::query_scalar!(
            r#"select exists (select from pg_timezone_names where name = $1) as "known!""#,
            zone
        )
        .fetch_one(&mut *tx)
        .await?;
        if !known {
            return Err(refuse(limit, format!("there is no time zone {zone:?}")));
        }
    }
    sqlx::query!(
        "insert into queue.limit_window as w (key, no, dimension, amount, period, calendar, zone)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (key, no) do update
            set dimension = excluded.dimension, amount = excluded.amount, period = excluded.period,
                calendar = excluded.calendar, zone = excluded.zone,
                override_amount = case when w.dimension = excluded.dimension then w.override_amount end,
                override_until = case when w.dimension = excluded.dimension then w.override_until end",
        key,
        no,
        window.dimension.as_str(),
        window.amount as i64,
        period as Option<PgInterval>,
        calendar,
        zone
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn refuse(limit: &Limit, reason: String) -> Error {
    Error::Limit { key: limit.key.clone(), reason }
}

/// Sets the keys of a lane, in order of preference; without keys the lane is free.
/// [`Error::Limit`]: a key is not defined, or a reservation exceeds a window of its key.
/// [`Error::Name`]: the name of the queue or the lane is invalid.
pub async fn set_lane(pool: &Db, queue: &str, lane: &str, keys: &[LaneKey]) -> Result<(), Error> {
    name::check_queue(queue)?;
    name::check_lane(lane)?;
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
    for (position, key) in keys.iter().enumerate() {
        let micros = i64::try_from(key.micros).unwrap_or(i64::MAX);
        let known = sqlx::query_scalar!(
            r#"select coalesce((
                select min(w.amount * (1 - k.share)) from queue.limit_window w
                where w.key = k.id and w.amount * (1 - k.share) < case w.dimension when 'tokens' then $2::bigint when 'money' then $3::bigint else $4::bigint end
            ), -1) as "too_small!" from queue.limit_key k where k.name = $1"#,
            key.key,
            i64::from(key.tokens),
            micros,
            i64::from(key.requests)
        )
        .fetch_optional(&mut *tx)
        .await?;
        let reason = match known {
            None => "is not defined".to_owned(),
            Some(room) if room >= 0.0 => {
                format!("has a window of {room}, less than one call of lane {lane} reserves")
            }
            Some(_) => String::new(),
        };
        if !reason.is_empty() {
            return Err(Error::Limit { key: key.key.clone(), reason });
        }
        sqlx::query!(
            "insert into queue.lane_key (lane, position, key, fallback_after, tokens, micros, requests)
            select $1, $2, id, $4, $5, $6, $7 from queue.limit_key where name = $3",
            id,
            position as i16,
            key.key,
            key.fallback_after.map(interval) as Option<PgInterval>,
            i64::from(key.tokens),
            micros,
            i32::from(key.requests.max(1))
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!("select queue.wake(array[$1::text])", queue).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}
