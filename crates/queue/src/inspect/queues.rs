//! Queues and the processes that work them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::stats::middle;
use crate::{Db, Error, State};

/// Percentiles in milliseconds, over the last hour; `None` without a finished job in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct QueueView {
    pub name: String,
    pub paused: bool,
    /// Attempts that each process runs at a time; `None`: as each was started.
    pub concurrency: Option<u16>,
    /// Most attempts that run on all processes together; `None`: no maximum.
    pub cap: Option<u32>,
    /// Jobs in each state; finished jobs count while they are kept.
    pub depth: BTreeMap<State, i64>,
    /// Seconds that the oldest available job has waited.
    pub oldest_age_s: Option<f64>,
    /// Jobs completed per minute, over the last five minutes.
    pub completed_per_minute: f64,
    /// From available to claimed.
    pub wait: Percentiles,
    /// From claimed to ended.
    pub run: Percentiles,
}

#[derive(Clone, Debug)]
pub struct WorkerView {
    /// The process's identity.
    pub id: String,
    pub name: String,
    pub version: String,
    pub queues: Vec<String>,
    pub started_at: DateTime<Utc>,
    pub beat_at: DateTime<Utc>,
    pub running: i64,
    /// True if its peers have declared it dead.
    pub dead: bool,
}

/// Lists every queue, by name. Counts come from the tally and unfolded deltas; durations come from
/// the last hour's buckets, exact to a quarter of a doubling.
pub async fn queues(pool: &Db) -> Result<Vec<QueueView>, Error> {
    let rows = sqlx::query!(
        r#"select q.name, q.paused, q.concurrency, q.cap,
            extract(epoch from clock_timestamp() - (
                select min(queue.waiting_since(l.id)) from queue.lane l where l.queue = q.name
            ))::float8 as oldest,
            -- five whole minutes and the one that is not over: over as long as they are
            (select coalesce(sum(n), 0) / (5 + extract(second from statement_timestamp()) / 60) from (
                select b.n from queue.bucket b join queue.lane l on l.id = b.lane
                where b.minute >= since.at and l.queue = q.name and b.was = 'running' and b.became = 'completed'
                union all
                select d.n from queue.delta d join queue.lane l on l.id = d.lane
                where d.at >= since.at and l.queue = q.name and d.was = 'running' and d.became = 'completed'
            ) c)::float8 as "completed_per_minute!"
        from queue.queue q
        cross join lateral (select date_trunc('minute', statement_timestamp()) - interval '5 minutes' as at) since
        order by q.name"#
    )
    .fetch_all(pool)
    .await?;
    let mut depth = depths(pool).await?;
    let mut wait = percentiles(pool, "available", None).await?;
    let mut run = percentiles(pool, "running", Some("available")).await?;
    Ok(rows
        .into_iter()
        .map(|r| QueueView {
            depth: depth.remove(&r.name).unwrap_or_default(),
            wait: wait.remove(&r.name).unwrap_or_default(),
            run: run.remove(&r.name).unwrap_or_default(),
            name: r.name,
            paused: r.paused,
            concurrency: r.concurrency.map(|n| n as u16),
            cap: r.cap.map(|n| u32::try_from(n).unwrap_or_default()),
            oldest_age_s: r.oldest,
            completed_per_minute: r.completed_per_minute,
        })
        .collect())
}

async fn depths(pool: &Db) -> Result<BTreeMap<String, BTreeMap<State, i64>>, Error> {
    let rows = sqlx::query!(
        r#"select l.queue as "queue!", case when x.state = 'available' and not o.open then 'parked' else x.state end as "state!",
            sum(x.n)::bigint as "n!"
        from (
            select lane, state, n from queue.tally
            union all
            select lane, became, n from queue.delta where became is not null
            union all
            select lane, was, -n from queue.delta where was is not null
        ) x
        join queue.lane l on l.id = x.lane
        join (select id, queue.lane_open(id) as open from queue.lane offset 0) o on o.id = x.lane
        group by 1, 2"#
    )
    .fetch_all(pool)
    .await?;
    let mut depths: BTreeMap<String, BTreeMap<State, i64>> = BTreeMap::new();
    for row in rows {
        if let Ok(state) = row.state.parse() {
            depths.entry(row.queue).or_default().insert(state, row.n.max(0));
        }
    }
    Ok(depths)
}

async fn percentiles(
    pool: &Db,
    was: &str,
    not_became: Option<&str>,
) -> Result<BTreeMap<String, Percentiles>, Error> {
    let rows = sqlx::query!(
        r#"with x as (
            select l.queue, d.duration, sum(d.n) as n from (
                select lane, duration, n from queue.bucket
                where minute >= date_trunc('minute', statement_timestamp()) - interval '1 hour'
                    and was = $1 and duration >= 0 and ($2::text is null or became <> $2)
                union all
                select lane, duration, n from queue.delta
                where at >= date_trunc('minute', statement_timestamp()) - interval '1 hour'
                    and was = $1 and duration >= 0 and ($2::text is null or became <> $2)
            ) d join queue.lane l on l.id = d.lane
            group by 1, 2
        ), c as (
            select queue, duration, sum(n) over (partition by queue order by duration) as upto,
                sum(n) over (partition by queue) as total
            from x
        )
        select queue as "queue!", min(duration) filter (where upto >= 0.5 * total) as p50,
            min(duration) filter (where upto >= 0.95 * total) as p95,
            min(duration) filter (where upto >= 0.99 * total) as p99
        from c group by queue"#,
        was,
        not_became,
    )
    .fetch_all(pool)
    .await?;
    let middle = |class: Option<i16>| class.map(middle);
    Ok(rows
        .into_iter()
        .map(|r| {
            (r.queue, Percentiles { p50: middle(r.p50), p95: middle(r.p95), p99: middle(r.p99) })
        })
        .collect())
}

/// Lists the processes that are live or were until an hour ago, newest first.
pub async fn workers(pool: &Db) -> Result<Vec<WorkerView>, Error> {
    let rows = sqlx::query!(
        r#"select p.id, p.name, p.version, p.queues, p.started_at, p.beat_at, p.dead_at is not null as "dead!",
            (select count(*) from queue.running r where r.process = p.id) as "running!"
        from queue.process p
        where p.ended_at is null and (p.dead_at is null or p.dead_at > clock_timestamp() - interval '1 hour')
        order by p.started_at desc limit 500"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| WorkerView {
            id: r.id.to_string(),
            name: r.name,
            version: r.version,
            queues: r.queues,
            started_at: r.started_at,
            beat_at: r.beat_at,
            running: r.running,
            dead: r.dead,
        })
        .collect())
}
