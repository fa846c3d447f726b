//! Estimates when a waiting job will start, from the windows of the key that will serve it.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::jobs::JobView;
use crate::{Db, Error};

/// Estimated start of a waiting job, and the limit that delays it.
pub(super) struct Estimate {
    /// The key that will serve the job; `None`: its lane is free.
    pub(super) key: Option<String>,
    /// The part of it that blocks the lane's head now: a dimension, in_flight, park or breaker.
    pub(super) blocked_by: Option<String>,
    pub(super) parked: Option<(DateTime<Utc>, Option<String>)>,
    pub(super) starts_at: Option<DateTime<Utc>>,
}

struct Candidate {
    key: i32,
    parent: Option<i32>,
    name: String,
    parked: Option<(DateTime<Utc>, Option<String>)>,
    open_until: Option<DateTime<Utc>>,
    in_flight: Option<i32>,
    flying: i64,
    tokens: i64,
    micros: i64,
    wait: Option<TimeDelta>,
    /// Time at which the lane's head could be served; `None`: not before a call in flight has
    /// ended.
    head_at: Option<DateTime<Utc>>,
    /// The same time, if the calls in flight ended now.
    soonest: DateTime<Utc>,
}

/// Estimates a job's start. `ahead`: jobs that the lane's keys serve before this one.
pub(super) async fn estimate(pool: &Db, job: &JobView, ahead: i64) -> Result<Estimate, Error> {
    let pace = sqlx::query!(
        r#"select clock_timestamp() as "now!",
            (sum(b.n * power(2::float8, (b.duration - 0.5)::float8 / 4)) / nullif(sum(b.n), 0)::float8 / 1000)::float8 as mean_run,
            coalesce(sum(b.n), 0)::float8 / greatest(extract(epoch from clock_timestamp() - min(b.minute)), 60)::float8 as rate
        from queue.bucket b join queue.lane l on l.id = b.lane
        where l.queue = $1 and l.name = $2 and b.was = 'running' and b.became = 'completed'
            and b.duration >= 0 and b.minute > clock_timestamp() - interval '10 minutes'"#,
        job.queue,
        job.lane
    )
    .fetch_one(pool)
    .await?;
    let now = pace.now;
    // Without limits, the lane is expected to keep its recent rate.
    let by_slots = if ahead == 0 {
        Some(now)
    } else {
        pace.rate.filter(|rate| *rate > 0.0).map(|rate| now + seconds(ahead as f64 / rate))
    };

    let Some(serving) = serving(pool, job, now).await? else {
        return Ok(Estimate { key: None, blocked_by: None, parked: None, starts_at: by_slots });
    };
    let latency = seconds(pace.mean_run.unwrap_or(0.0));
    let not_before = [serving.parked.as_ref().map(|p| p.0), serving.open_until]
        .into_iter()
        .flatten()
        .fold(now, DateTime::max);
    let mut starts_at = not_before;
    let mut blocking = None;
    for key in [Some(serving.key), serving.parent].into_iter().flatten() {
        for window in windows(pool, key, &serving, ahead, not_before).await? {
            let at = window.starts_at(not_before, latency);
            if at > starts_at {
                starts_at = at;
            }
            if window.blocks {
                blocking.get_or_insert(window.dimension);
            }
        }
    }
    let full = serving.in_flight.is_some_and(|cap| serving.flying >= i64::from(cap));
    if let Some(cap) = serving.in_flight.filter(|cap| *cap > 0) {
        let rounds = (serving.flying + ahead) / i64::from(cap);
        starts_at = starts_at.max(not_before + latency * i32::try_from(rounds).unwrap_or(i32::MAX));
    }
    let blocked = serving.head_at.is_none_or(|at| at > now);
    let blocked_by = blocked.then(|| match () {
        () if serving.parked.is_some() => "park".to_owned(),
        () if serving.open_until.is_some() => "breaker".to_owned(),
        () if full => "in_flight".to_owned(),
        () => blocking.unwrap_or_else(|| "requests".to_owned()),
    });
    let starts_at = if starts_at > now { Some(starts_at) } else { by_slots };
    Ok(Estimate { key: Some(serving.name), blocked_by, parked: serving.parked, starts_at })
}

/// Returns the first key that serves within its fallback time; `None`: the lane has no keys.
async fn serving(pool: &Db, job: &JobView, now: DateTime<Utc>) -> Result<Option<Candidate>, Error> {
    let rows = sqlx::query!(
        r#"select k.id, k.parent, k.name, k.parked_until, k.parked_why, k.open_until, k.in_flight, m.flying as "flying!",
            lk.tokens, lk.micros, extract(epoch from lk.fallback_after)::float8 as wait,
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at, n.soonest as "soonest!"
        from queue.lane l
        join queue.lane_key lk on lk.lane = l.id
        join queue.limit_key k on k.id = lk.key
        cross join lateral queue.capacity(array[k.id], $3) m
        cross join lateral queue.permit_times(k.id, $3, 1, lk.tokens, lk.micros, $4 <= k.urgent or k.share = 0) n
        where l.queue = $1 and l.name = $2
        order by lk.position"#,
        job.queue,
        job.lane,
        now,
        i16::from(job.priority)
    )
    .fetch_all(pool)
    .await?;
    let mut keys: Vec<Candidate> = rows
        .into_iter()
        .map(|r| Candidate {
            key: r.id,
            parent: r.parent,
            name: r.name,
            parked: r.parked_until.filter(|at| *at > now).map(|at| (at, r.parked_why)),
            open_until: r.open_until.filter(|at| *at > now),
            in_flight: r.in_flight,
            flying: r.flying,
            tokens: r.tokens,
            micros: r.micros,
            wait: r.wait.map(seconds),
            head_at: r.next_at.filter(|at| at.year() < 9999),
            soonest: r.soonest,
        })
        .collect();
    let passed = |c: &Candidate| c.wait.is_some_and(|wait| c.soonest > now + wait);
    let chosen = keys
        .iter()
        .position(|c| !passed(c))
        // no key serves within its fallback time: the earliest of them
        .or_else(|| (0..keys.len()).min_by_key(|i| keys[*i].soonest));
    Ok(chosen.map(|i| keys.swap_remove(i)))
}

struct WindowRoom {
    dimension: String,
    /// It has no capacity for the lane's head.
    blocks: bool,
    /// Full lengths of the window that pass before the job is served.
    rounds: i64,
    length: TimeDelta,
    /// True if calls count until they end.
    finish: bool,
    /// Time at which the window has capacity for the job, within the last of these lengths; `None`:
    /// not before a call in flight has ended.
    at: Option<DateTime<Utc>>,
}

impl WindowRoom {
    fn starts_at(&self, now: DateTime<Utc>, latency: TimeDelta) -> DateTime<Utc> {
        let round = self.length + if self.finish { latency } else { TimeDelta::zero() };
        let first = self.at.unwrap_or(now + round);
        let rounds = i32::try_from(self.rounds).unwrap_or(i32::MAX);
        round.checked_mul(rounds).and_then(|wait| first.checked_add_signed(wait)).unwrap_or(first)
    }
}

/// Lists a key's windows. Tokens and money are estimated by recent usage where it is known, because
/// reservations are upper bounds.
async fn windows(
    pool: &Db,
    key: i32,
    serving: &Candidate,
    ahead: i64,
    at: DateTime<Utc>,
) -> Result<Vec<WindowRoom>, Error> {
    let rows = sqlx::query!(
        r#"select v.dimension as "dimension!", v.amount - v.used < c.need as "blocks!", (k.counts = 'finish') as "finish!",
            ($2 / p.calls)::bigint as "rounds!",
            extract(epoch from coalesce(w.period + k.guard, ('1 ' || w.calendar)::interval))::float8 as "length!",
            case when x.at = 'infinity' then '9999-01-01Z' else x.at end as "at!"
        from queue.windows(array[$1::integer], $5) v
        join queue.limit_key k on k.id = v.key
        join queue.limit_window w on w.key = v.key and w.no = v.no
        left join lateral (
            select sum(g.tokens) / nullif(sum(g.requests), 0) as tokens, sum(g.micros) / nullif(sum(g.requests), 0) as micros
            from (select * from queue.permit_grant g where g.key = v.key order by g.at desc limit 200) g
        ) mean on true
        cross join lateral (select case w.dimension when 'requests' then 1 when 'tokens' then $3::bigint else $4::bigint end as need) c
        cross join lateral (select greatest(1, case w.dimension
            when 'requests' then 1 when 'tokens' then coalesce(nullif(mean.tokens, 0), $3) else coalesce(nullif(mean.micros, 0), $4) end)::bigint as each) e
        cross join lateral (select greatest(1, v.amount / e.each) as calls) p
        cross join lateral (select ($2 % p.calls + 1) as n) rest
        join lateral queue.window_permits(v.key, $5,
            rest.n, case when c.need = 0 then 0 else rest.n * e.each end, case when c.need = 0 then 0 else rest.n * e.each end) x on x.no = v.no"#,
        key,
        ahead,
        serving.tokens,
        serving.micros,
        at
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| WindowRoom {
            dimension: r.dimension,
            blocks: r.blocks,
            rounds: r.rounds,
            length: seconds(r.length),
            finish: r.finish,
            at: Some(r.at).filter(|at| at.year() < 9999),
        })
        .collect())
}

fn seconds(s: f64) -> TimeDelta {
    TimeDelta::milliseconds((s * 1000.0).clamp(0.0, 3.2e12) as i64)
}
