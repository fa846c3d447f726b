//! Why a job is not running.

use chrono::{DateTime, Datelike, Utc};
use sqlx::PgPool;

use super::jobs::{JobView, find};
use crate::{Error, JobId, State};

/// Why a job is not running.
#[derive(Clone, Debug)]
pub struct Why {
    pub state: State,
    /// One sentence for people.
    pub reason: String,
    /// The limit key that blocks, and the dimension.
    pub key: Option<String>,
    pub dimension: Option<String>,
    /// Jobs ahead of it in its lane: exact to 1,000, then at least that.
    pub position: Option<i64>,
    pub estimated_start_at: Option<DateTime<Utc>>,
}

/// `None`: no such job.
pub async fn why(pool: &PgPool, id: JobId) -> Result<Option<Why>, Error> {
    let Some(found) = find(pool, id).await? else { return Ok(None) };
    let job = found.job;
    let plain = |reason: String, at: Option<DateTime<Utc>>| Why {
        state: job.state,
        reason,
        key: None,
        dimension: None,
        position: None,
        estimated_start_at: at,
    };
    let why = match job.state {
        State::Available | State::Parked => return waiting(pool, &job).await.map(Some),
        State::Pending => plain("it waits for other jobs".to_owned(), None),
        State::Scheduled => plain("its time has not come".to_owned(), job.due_at),
        State::Retryable => {
            plain(format!("attempt {} failed; it is tried again", job.attempt), job.due_at)
        }
        State::Running => plain("it is running".to_owned(), job.claimed_at),
        State::Completed => plain("it is done".to_owned(), None),
        State::Discarded => {
            plain("its attempts are spent, or it was told to stop".to_owned(), None)
        }
        State::Cancelled => plain("it was called off".to_owned(), None),
    };
    Ok(Some(why))
}

async fn waiting(pool: &PgPool, job: &JobView) -> Result<Why, Error> {
    let row = sqlx::query!(
        r#"select q.paused,
            (select count(*) from (
                select from queue.ready r
                where r.lane = l.id and (r.priority, r.id) < ($3, $4) limit 1000
            ) x) as "ahead!",
            k.name as "key?", k.parked_until, k.parked_why,
            case when n.at = 'infinity' then '9999-01-01Z' else n.at end as next_at,
            n.at > clock_timestamp() as blocked,
            (select extract(epoch from max(w.period / w.amount))::float8
             from queue.limit_window w where w.key = k.id) as "pace",
            (select true from queue.process p
             where p.dead_at is null and p.ended_at is null and q.name = any (p.queues) limit 1) as worked
        from queue.lane l join queue.queue q on q.name = l.queue
        left join lateral (
            select lk.key from queue.lane_key lk where lk.lane = l.id
            order by queue.next_permit_v1(lk.key, clock_timestamp()), lk.position limit 1
        ) lk on true
        left join queue.limit_key k on k.id = lk.key
        left join lateral (select queue.next_permit_v1(k.id, clock_timestamp()) as at) n on k.id is not null
        where l.queue = $1 and l.name = $2"#,
        job.queue,
        job.lane,
        i16::from(job.priority),
        job.id.0
    )
    .fetch_one(pool)
    .await?;
    let next_at = row.next_at.filter(|at| at.year() < 9999);
    let blocked = row.blocked.unwrap_or(false);
    let reason = if row.paused {
        format!("the queue {} is paused", job.queue)
    } else if row.worked.is_none() {
        format!("no worker works the queue {}", job.queue)
    } else if let (Some(key), Some(until), true) = (&row.key, row.parked_until, blocked) {
        let why = row.parked_why.as_deref().unwrap_or("no reason given");
        format!("limit {key} is parked until {}: {why}", until.format("%FT%TZ"))
    } else if let (Some(key), true) = (&row.key, blocked) {
        format!("limit {key} has no permit free")
    } else {
        format!("{} jobs are ahead of it, and every slot is taken", row.ahead)
    };
    // Each job ahead takes a permit at the key's slowest pace; without a key nobody knows.
    let estimated = next_at.map(|at| {
        let wait = row.pace.unwrap_or(0.0) * row.ahead as f64;
        at + chrono::TimeDelta::milliseconds((wait * 1000.0).min(3.2e12) as i64)
    });
    Ok(Why {
        state: job.state,
        reason,
        dimension: row.key.as_ref().filter(|_| blocked).map(|_| "requests".to_owned()),
        key: row.key.filter(|_| blocked),
        position: Some(row.ahead),
        estimated_start_at: if row.paused { None } else { estimated },
    })
}
