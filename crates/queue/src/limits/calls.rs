//! The calls that a key's longest window of requests holds.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::Error;

/// The longest window of requests of a key, call by call.
#[derive(Clone, Debug)]
pub struct LongestWindow {
    /// Calls that it allows now.
    pub amount: u64,
    pub renewal: Renewal,
    /// Instants of the calls that it holds, the newest last; those in flight and those counted
    /// outside of the queue are dated to now.
    pub calls: Vec<DateTime<Utc>>,
}

/// When a window gives calls back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// Each call counts for this long.
    Rolling(Duration),
    /// All calls are given back at one instant.
    At(DateTime<Utc>),
}

/// Calls that are listed one by one; a window with more of them needs no plan by the call.
const MOST: i64 = 2_000;

/// Returns the longest window of requests of a key; `None`: no such key, or no such window.
pub async fn longest_window(
    db: impl PgExecutor<'_>,
    key: &str,
) -> Result<Option<LongestWindow>, Error> {
    let row = sqlx::query!(
        r#"select x.amount as "amount!", x.used as "used!", statement_timestamp() as "now!",
            extract(epoch from w.period + k.guard)::float8 as period_s,
            x.resets_at,
            array(
                select g.at from queue.permit_grant g cross join lateral generate_series(1, g.requests) n
                where g.key = k.id and g.at > x.since order by g.at desc limit $2
            ) as "calls!"
        from queue.limit_key k
        cross join lateral queue.windows(array[k.id], clock_timestamp()) x
        join queue.limit_window w on w.key = x.key and w.no = x.no
        where k.name = $1 and x.dimension = 'requests'
        order by coalesce(w.period, ('1 ' || w.calendar)::interval) desc, x.amount limit 1"#,
        key,
        MOST,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mut calls = row.calls;
    calls.truncate(usize::try_from(row.used.max(0)).unwrap_or(usize::MAX));
    calls.reverse();
    let missing = usize::try_from(row.used.min(MOST)).unwrap_or(0).saturating_sub(calls.len());
    calls.extend(std::iter::repeat_n(row.now, missing));
    let renewal = match (row.resets_at, row.period_s) {
        (Some(at), _) => Renewal::At(at),
        (None, period) => Renewal::Rolling(Duration::from_secs_f64(period.unwrap_or(0.0))),
    };
    Ok(Some(LongestWindow { amount: row.amount.max(0).cast_unsigned(), renewal, calls }))
}
