//! Explains why a job is not running.

use chrono::{DateTime, Utc};

use super::{
    estimate::estimate,
    jobs::{JobView, find},
    relatives::reason,
};
use crate::{Db, Error, JobId, State};

/// The reason why a job is not running.
#[derive(Clone, Debug)]
pub struct Why {
    pub state: State,
    /// One sentence for people.
    pub reason: String,
    /// The limit key that blocks it, and the part of it that does: requests, tokens, money,
    /// in_flight, park or breaker.
    pub key: Option<String>,
    pub dimension: Option<String>,
    /// Jobs ahead of it in its lane: exact up to 1,000, then an estimate.
    pub position: Option<i64>,
    pub estimated_start_at: Option<DateTime<Utc>>,
}

/// Explains why a job is not running; `None`: no such job.
pub async fn why(pool: &Db, id: JobId) -> Result<Option<Why>, Error> {
    let Some(found) = find(pool, id).await? else { return Ok(None) };
    let job = &found.job;
    let plain = |reason: String, at: Option<DateTime<Utc>>| Why {
        state: job.state,
        reason,
        key: None,
        dimension: None,
        position: None,
        estimated_start_at: at,
    };
    let why = match job.state {
        State::Available | State::Parked => return waiting(pool, job).await.map(Some),
        State::Pending => plain(reason(&found), job.due_at),
        State::Scheduled => plain("it is scheduled for later".to_owned(), job.due_at),
        State::Retryable => {
            plain(format!("attempt {} failed; it will be retried", job.attempt), job.due_at)
        }
        State::Running => plain("it is running".to_owned(), job.claimed_at),
        State::Completed => plain("it has completed".to_owned(), None),
        State::Discarded => {
            plain("its attempts are spent, or its handler gave up for good".to_owned(), None)
        }
        State::Cancelled => plain("it was cancelled".to_owned(), None),
    };
    Ok(Some(why))
}

async fn waiting(pool: &Db, job: &JobView) -> Result<Why, Error> {
    let row = sqlx::query!(
        r#"select q.paused, q.cap,
            (select count(*) from queue.running r join queue.lane x on x.id = r.lane where q.cap is not null and x.queue = q.name) as "running!",
            (select count(*) from (
                select from queue.ready r
                where r.lane = l.id and (r.priority, r.id) < ($3, $4) limit 1001
            ) x) as "ahead!",
            -- those in other lanes of the same keys that come first
            (select count(*) from (
                select from queue.lane_key own
                join queue.lane_key other on other.key = own.key and other.lane <> own.lane
                cross join lateral (
                    select from queue.ready r
                    where r.lane = other.lane and (r.priority, r.id) < ($3, $4) limit 1001
                ) r
                where own.lane = l.id limit 1001
            ) x) as "beside!",
            -- past what is counted: by the place of its number between the lane's first and last
            (select coalesce(sum(t.n), 0) from queue.tally t where t.lane = l.id and t.state = 'available')::bigint as "waiting!",
            (select r.id from queue.ready r where r.lane = l.id and r.priority = $3 order by r.id limit 1) as first,
            (select r.id from queue.ready r where r.lane = l.id and r.priority = $3 order by r.id desc limit 1) as last,
            (select true from queue.process p
             where p.dead_at is null and p.ended_at is null and q.name = any (p.queues) limit 1) as worked
        from queue.lane l join queue.queue q on q.name = l.queue
        where l.queue = $1 and l.name = $2"#,
        job.queue,
        job.lane,
        i16::from(job.priority),
        job.id.0
    )
    .fetch_one(pool)
    .await?;
    let ahead = match (row.first, row.last) {
        (Some(first), Some(last)) if row.ahead > 1_000 && last > first => {
            let place = (job.id.0 - first) as f64 / (last - first) as f64;
            ((row.waiting as f64 * place) as i64).max(row.ahead)
        }
        _ => row.ahead,
    };
    let estimate = estimate(pool, job, ahead + row.beside).await?;
    let capped = row.cap.is_some_and(|cap| row.running >= i64::from(cap));
    let reason = if row.paused {
        format!("the queue {} is paused", job.queue)
    } else if row.worked.is_none() {
        format!("no worker works the queue {}", job.queue)
    } else if let (Some(key), Some(by)) = (&estimate.key, &estimate.blocked_by) {
        match (by.as_str(), &estimate.parked) {
            (_, Some((until, why))) => {
                let why = why.as_deref().unwrap_or("no reason given");
                format!("limit {key} is parked until {}: {why}", until.format("%FT%TZ"))
            }
            ("breaker", _) => {
                format!("the breaker of limit {key} is open: its service keeps failing")
            }
            ("in_flight", _) => format!("limit {key} has all its calls in flight"),
            (dimension, _) => format!("limit {key} has no {dimension} left for now"),
        }
    } else if capped {
        format!("the queue {} runs as many jobs as its cap allows", job.queue)
    } else if ahead == 0 {
        // the kinds that a worker knows are not recorded
        format!(
            "it is next: every slot is taken, or no worker of the queue {} knows the kind {}",
            job.queue, job.kind
        )
    } else {
        format!("{ahead} jobs are ahead of it")
    };
    let stands = row.paused || row.worked.is_none() || row.cap == Some(0);
    Ok(Why {
        state: job.state,
        reason,
        key: estimate.key.filter(|_| estimate.blocked_by.is_some()),
        dimension: estimate.blocked_by,
        position: Some(ahead),
        estimated_start_at: if stands { None } else { estimate.starts_at },
    })
}
