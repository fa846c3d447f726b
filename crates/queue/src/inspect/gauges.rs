//! Gauges of jobs, queues and limits for a metrics endpoint: cheap however many jobs there are.

use crate::{Db, Error, State};

/// Jobs of one kind in one state; finished jobs count while they are kept.
#[derive(Clone, Debug)]
pub struct JobsGauge {
    pub queue: String,
    pub kind: String,
    pub state: State,
    pub jobs: i64,
}

#[derive(Clone, Debug)]
pub struct QueueGauge {
    pub queue: String,
    pub paused: bool,
    /// Seconds that the oldest runnable job has waited; 0 if there is none.
    pub oldest_available_s: f64,
    /// The same of jobs that wait for a limit.
    pub oldest_parked_s: f64,
    /// Processes that work the queue and had a heartbeat within 30 s.
    pub processes: i64,
}

#[derive(Clone, Debug)]
pub struct LimitGauge {
    pub key: String,
    pub in_flight: i64,
    /// Available and parked jobs in the lanes that it serves.
    pub waiting: i64,
    /// Seconds until its park ends, infinite for a park without an end; 0 if it is not parked.
    pub parked_s: f64,
    /// closed, open or half_open; `None`: it has no breaker.
    pub breaker: Option<&'static str>,
    /// Faults in a row.
    pub faults: i32,
}

#[derive(Clone, Debug)]
pub struct WindowGauge {
    pub key: String,
    pub no: i16,
    pub dimension: String,
    /// Seconds (`60s`), or the calendar's unit (`day`).
    pub period: String,
    pub amount: i64,
    pub used: i64,
}

/// Lists jobs by kind and state, from the tally and unfolded deltas.
pub async fn jobs_gauges(db: &Db) -> Result<Vec<JobsGauge>, Error> {
    let rows = sqlx::query!(
        r#"with o as materialized (select id, queue, queue.lane_open(id) as open from queue.lane)
        select o.queue as "queue!", x.kind as "kind!",
            case when x.state = 'available' and not o.open then 'parked' else x.state end as "state!",
            sum(x.n)::bigint as "jobs!"
        from (
            select lane, kind, state, n from queue.tally
            union all
            select lane, kind, became, n from queue.delta where became is not null
            union all
            select lane, kind, was, -n from queue.delta where was is not null
        ) x join o on o.id = x.lane
        group by 1, 2, 3"#
    )
    .fetch_all(db)
    .await?;
    let known = |state: &str| state.parse::<State>().ok();
    Ok(rows
        .into_iter()
        .filter_map(|r| {
            let state = known(&r.state)?;
            Some(JobsGauge { queue: r.queue, kind: r.kind, state, jobs: r.jobs.max(0) })
        })
        .collect())
}

pub async fn queue_gauges(db: &Db) -> Result<Vec<QueueGauge>, Error> {
    let rows = sqlx::query!(
        r#"with o as materialized (
            select l.queue, queue.lane_open(l.id) as open, x.at
            from queue.lane l cross join lateral (select queue.waiting_since(l.id) as at offset 0) x
            where x.at is not null
        )
        select q.name, q.paused,
            coalesce(extract(epoch from clock_timestamp()
                - (select min(at) from o where o.queue = q.name and o.open)), 0)::float8 as "available!",
            coalesce(extract(epoch from clock_timestamp()
                - (select min(at) from o where o.queue = q.name and not o.open)), 0)::float8 as "parked!",
            (select count(*) from queue.process p
             where q.name = any (p.queues) and p.dead_at is null and p.ended_at is null
                and p.beat_at > clock_timestamp() - interval '30 seconds') as "processes!"
        from queue.queue q order by q.name"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| QueueGauge {
            queue: r.name,
            paused: r.paused,
            oldest_available_s: r.available.max(0.0),
            oldest_parked_s: r.parked.max(0.0),
            processes: r.processes,
        })
        .collect())
}

pub async fn limit_gauges(db: &Db) -> Result<Vec<LimitGauge>, Error> {
    let rows = sqlx::query!(
        r#"with waiting as materialized (
            select x.lane, greatest(sum(x.n), 0)::bigint as n from (
                select lane, n from queue.tally where state = 'available'
                union all
                select lane, n from queue.delta where became = 'available'
                union all
                select lane, -n from queue.delta where was = 'available'
            ) x group by x.lane
        )
        select k.name, k.faults, k.trip_after,
            ((select count(*) from queue.running r where r.key = any (m.ids))
                + (select count(*) from queue.settlement s where s.key = any (m.ids) and s.at > clock_timestamp())) as "in_flight!",
            coalesce((select sum(w.n) from queue.lane_key lk join waiting w on w.lane = lk.lane where lk.key = k.id), 0)::bigint as "waiting!",
            case when not isfinite(k.parked_until) then 'infinity'::float8
                else coalesce(greatest(extract(epoch from k.parked_until - clock_timestamp()), 0), 0)::float8 end as "parked!",
            k.open_until <= clock_timestamp() as half_open
        from queue.limit_key k
        cross join lateral (select k.id || array(select c.id from queue.limit_key c where c.parent = k.id) as ids offset 0) m
        order by k.name"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| LimitGauge {
            key: r.name,
            in_flight: r.in_flight,
            waiting: r.waiting,
            parked_s: r.parked,
            breaker: match (r.half_open, r.trip_after) {
                (None, None) => None,
                (None, Some(_)) => Some("closed"),
                (Some(false), _) => Some("open"),
                (Some(true), _) => Some("half_open"),
            },
            faults: r.faults,
        })
        .collect())
}

pub async fn window_gauges(db: &Db) -> Result<Vec<WindowGauge>, Error> {
    let rows = sqlx::query!(
        r#"select k.name, v.no as "no!", v.dimension as "dimension!", v.amount as "amount!", v.used as "used!",
            coalesce(w.calendar, round(extract(epoch from w.period)::numeric, 3)::float8 || 's') as "period!"
        from queue.windows(array(select id from queue.limit_key), statement_timestamp()) v
        join queue.limit_window w on w.key = v.key and w.no = v.no
        join queue.limit_key k on k.id = v.key
        order by k.name, v.no"#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| WindowGauge {
            key: r.name,
            no: r.no,
            dimension: r.dimension,
            period: r.period,
            amount: r.amount,
            used: r.used,
        })
        .collect())
}
