//! History of limit keys: usage of their windows, and usage by day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::{Db, Error};

/// Usage of a window at one time, in its own dimension.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub at: DateTime<Utc>,
    pub used: i64,
}

/// Usage of a key in one day (UTC).
#[derive(Clone, Debug)]
pub struct DayUse {
    pub key: String,
    pub day: NaiveDate,
    pub requests: i64,
    pub tokens: i64,
    /// Millionths of a US dollar.
    pub micros: i64,
}

/// Returns the usage of each window of a key at `points` (2 to 500) times, evenly spread over the
/// window's last length. Read from the ledger, which does not contain calls in flight yet.
pub async fn limit_history(
    pool: &Db,
    key: &str,
    points: u16,
) -> Result<BTreeMap<u16, Vec<Point>>, Error> {
    let rows = sqlx::query!(
        r#"select w.no, t.at as "at!",
            (case w.dimension
                when 'requests' then upto.requests - before.requests
                when 'tokens' then upto.tokens - before.tokens
                else upto.micros - before.micros end) as used
        from queue.limit_key k
        join queue.limit_window w on w.key = k.id
        cross join lateral (select coalesce(w.period, ('1 ' || w.calendar)::interval) as length) l
        cross join generate_series(0, $2::integer - 1) i
        cross join lateral (select statement_timestamp() - l.length + l.length * i / ($2::integer - 1) as at) t
        cross join lateral (select case
            when w.period is not null then t.at - w.period - k.guard
            else date_trunc(w.calendar, t.at, w.zone) - k.guard - interval '1 microsecond' end as since) o
        left join lateral (
            select g.cum_requests as requests, g.cum_tokens as tokens, g.cum_micros as micros
            from queue.permit_grant g where g.key = k.id and g.at > o.since and g.at <= t.at order by g.at desc limit 1
        ) upto on true
        left join lateral (
            select g.cum_requests - g.requests as requests, g.cum_tokens - g.tokens as tokens, g.cum_micros - g.micros as micros
            from queue.permit_grant g where g.key = k.id and g.at > o.since and g.at <= t.at order by g.at limit 1
        ) before on true
        where k.name = $1
        order by w.no, t.at"#,
        key,
        i32::from(points.clamp(2, 500))
    )
    .fetch_all(pool)
    .await?;
    let mut history: BTreeMap<u16, Vec<Point>> = BTreeMap::new();
    for r in rows {
        let point = Point { at: r.at, used: r.used.unwrap_or(0) };
        history.entry(r.no.cast_unsigned()).or_default().push(point);
    }
    Ok(history)
}

/// Returns the usage of keys on each of the last `days` days (1 to 35, today included), oldest
/// first; days without a call are left out. `key`: only this key. External usage is not included.
pub async fn spending(pool: &Db, key: Option<&str>, days: u16) -> Result<Vec<DayUse>, Error> {
    let rows = sqlx::query!(
        r#"select k.name, d.day as "day!",
            (upto.requests - before.requests - other.requests)::bigint as "requests!",
            (upto.tokens - before.tokens - other.tokens)::bigint as "tokens!",
            (upto.micros - before.micros - other.micros)::bigint as "micros!"
        from queue.limit_key k
        cross join lateral (
            select (statement_timestamp() at time zone 'UTC')::date - i as day
            from generate_series(0, $2::integer - 1) i
        ) d
        cross join lateral (select d.day::timestamp at time zone 'UTC' as opens, (d.day + 1)::timestamp at time zone 'UTC' as closes) b
        cross join lateral (
            select g.cum_requests as requests, g.cum_tokens as tokens, g.cum_micros as micros
            from queue.permit_grant g where g.key = k.id and g.at >= b.opens and g.at < b.closes order by g.at desc limit 1
        ) upto
        cross join lateral (
            select g.cum_requests - g.requests as requests, g.cum_tokens - g.tokens as tokens, g.cum_micros - g.micros as micros
            from queue.permit_grant g where g.key = k.id and g.at >= b.opens and g.at < b.closes order by g.at limit 1
        ) before
        cross join lateral (
            select coalesce(sum(g.requests), 0) as requests, coalesce(sum(g.tokens), 0) as tokens, coalesce(sum(g.micros), 0) as micros
            from queue.permit_grant g
            where g.key = k.id and g.kind = 'external' and g.at >= b.opens and g.at < b.closes
        ) other
        where $1::text is null or k.name = $1
        order by d.day, k.name"#,
        key,
        i32::from(days.clamp(1, 35))
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| DayUse {
            key: r.name,
            day: r.day,
            requests: r.requests,
            tokens: r.tokens,
            micros: r.micros,
        })
        .collect())
}
