//! Adding jobs, in the caller's transaction: a job exists exactly when the rows that called for
//! it do.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Error, Holds, Job, JobId};

/// A job that is about to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub kind: String,
    pub queue: String,
    pub lane: String,
    pub args: Value,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// 1 to 25.
    pub max_attempts: u16,
    /// Not before this time; `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    /// Names the occasion, within the kind.
    pub unique_key: Option<String>,
    pub holds: Holds,
    pub tags: Vec<String>,
    /// The job whose attempt added this one.
    pub parent: Option<JobId>,
    /// W3C trace context of whoever added it.
    pub trace: Option<String>,
}

/// What became of an enqueue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enqueued {
    /// The new job, or the one that holds the unique key.
    pub id: JobId,
    /// Whether the job was there already.
    pub duplicate: bool,
}

impl NewJob {
    pub fn of<J: Job>(job: &J) -> Result<Self, Error> {
        let args =
            serde_json::to_value(job).map_err(|source| Error::Args { kind: J::KIND, source })?;
        Ok(Self {
            kind: J::KIND.to_owned(),
            queue: J::QUEUE.to_owned(),
            lane: J::LANE.to_owned(),
            args,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            due_at: None,
            unique_key: job.unique_key(),
            holds: J::HOLDS,
            tags: Vec::new(),
            parent: None,
            trace: None,
        })
    }
}

/// Adds one job with its kind's policy.
pub async fn enqueue<J: Job>(conn: &mut PgConnection, job: &J) -> Result<Enqueued, Error> {
    add(conn, &NewJob::of(job)?).await
}

/// Adds one job.
pub async fn add(conn: &mut PgConnection, job: &NewJob) -> Result<Enqueued, Error> {
    let added = add_all(conn, std::slice::from_ref(job)).await?;
    Ok(added[0])
}

/// Adds many jobs in one statement; the answers come in the jobs' order. A job whose unique key is
/// taken is answered with the holder's id, and the others are added all the same.
pub async fn add_all(conn: &mut PgConnection, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Error> {
    let column = |f: fn(&NewJob) -> String| jobs.iter().map(f).collect::<Vec<_>>();
    let kinds = column(|j| j.kind.clone());
    let queues = column(|j| j.queue.clone());
    let lanes = column(|j| j.lane.clone());
    let holds = column(|j| j.holds.as_str().to_owned());
    let args: Vec<Value> = jobs.iter().map(|j| j.args.clone()).collect();
    let priorities: Vec<i16> = jobs.iter().map(|j| i16::from(j.priority)).collect();
    let max_attempts: Vec<i16> = jobs.iter().map(|j| j.max_attempts as i16).collect();
    let due: Vec<Option<DateTime<Utc>>> = jobs.iter().map(|j| j.due_at).collect();
    let keys: Vec<Option<String>> = jobs.iter().map(|j| j.unique_key.clone()).collect();
    let tags: Vec<Option<Value>> =
        jobs.iter().map(|j| (!j.tags.is_empty()).then(|| Value::from(j.tags.clone()))).collect();
    let parents: Vec<Option<i64>> = jobs.iter().map(|j| j.parent.map(|p| p.0)).collect();
    let traces: Vec<Option<String>> = jobs.iter().map(|j| j.trace.clone()).collect();

    let mut rows = sqlx::query!(
        r#"select ord as "ord!", id as "id!", duplicate as "duplicate!"
        from queue.enqueue_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
        &kinds,
        &queues,
        &lanes,
        &args,
        &priorities,
        &max_attempts,
        &due as &[Option<DateTime<Utc>>],
        &keys as &[Option<String>],
        &holds,
        &tags as &[Option<Value>],
        &parents as &[Option<i64>],
        &traces as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    rows.sort_unstable_by_key(|row| row.ord);
    Ok(rows.into_iter().map(|r| Enqueued { id: JobId(r.id), duplicate: r.duplicate }).collect())
}
