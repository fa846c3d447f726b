//! Batches: many jobs to be seen through as one, with their progress and a job that follows them.
//!
//! The members run as any other jobs do. The job that follows waits for all of them, `pending`, and
//! is released exactly once, by whoever ends the last.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    Enqueued, Error, JobId, NewJob, OnFailure,
    enqueue::{add, add_all, unknown_or},
};

/// A batch's number; that of the job that follows, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BatchId(pub i64);

impl std::fmt::Display for BatchId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A batch that is about to be started.
#[derive(Clone, Debug)]
pub struct NewBatch {
    name: String,
    jobs: Vec<NewJob>,
    then: Option<NewJob>,
    on_failure: OnFailure,
}

impl NewBatch {
    /// `name` is for people: 1 to 200 characters.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), jobs: Vec::new(), then: None, on_failure: OnFailure::Ignore }
    }

    #[must_use]
    pub fn job(mut self, job: NewJob) -> Self {
        self.jobs.push(job);
        self
    }

    #[must_use]
    pub fn jobs(mut self, jobs: impl IntoIterator<Item = NewJob>) -> Self {
        self.jobs.extend(jobs);
        self
    }

    /// The job that runs once every member has ended. If another job holds its unique key and waits
    /// too, the members join that job's batch; if it waits no longer, [`start`] is refused.
    #[must_use]
    pub fn then(mut self, job: NewJob) -> Self {
        self.then = Some(job);
        self
    }

    /// What becomes of the job that follows when a member does not complete; unless told otherwise
    /// it runs all the same and may ask for the [`Progress`].
    #[must_use]
    pub const fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }
}

/// A batch that was started, in the caller's transaction.
#[derive(Clone, Debug)]
pub struct Started {
    pub id: BatchId,
    /// The members, in the order in which they were given.
    pub jobs: Vec<Enqueued>,
    /// The job that follows.
    pub then: Option<Enqueued>,
}

/// How far a batch has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    pub id: BatchId,
    pub name: String,
    /// Members, those included that were added later.
    pub total: u64,
    /// Of these, how many have completed.
    pub done: u64,
    /// And how many have ended otherwise. A member that is retried counts no longer, until it ends.
    pub failed: u64,
    pub state: BatchState,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchState {
    /// Some members have not ended.
    Running,
    /// Every member has completed.
    Completed,
    /// Every member has ended, some without having completed.
    Failed,
}

impl BatchState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// Adds a batch with its members and the job that follows, in the caller's transaction. A member
/// whose unique key is taken stands for the job that holds it.
///
/// [`Error::FollowUpBegun`]: the unique key of the job that follows is held by a job that waits for
/// nothing any more, so that it would not follow. Roll the transaction back, and give each batch's job
/// a key of its own.
pub async fn start(conn: &mut PgConnection, batch: &NewBatch) -> Result<Started, Error> {
    let jobs = add_all(&mut *conn, &batch.jobs).await?;
    let members: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let then = match &batch.then {
        Some(then) => Some(follow(&mut *conn, then, &members, batch.on_failure).await?),
        None => None,
    };
    let id = sqlx::query_scalar!(
        r#"with added as (
            insert into queue.batch (id, name, on_failure)
            values (coalesce($1, nextval('queue.job_id')), $2, $3) on conflict do nothing returning id
        )
        select coalesce((select id from added), $1) as "id!""#,
        then.map(|then| then.id.0),
        batch.name,
        batch.on_failure.as_str()
    )
    .fetch_one(&mut *conn)
    .await?;
    join(conn, BatchId(id), &members).await?;
    Ok(Started { id: BatchId(id), jobs, then })
}

async fn follow(
    conn: &mut PgConnection,
    then: &NewJob,
    members: &[JobId],
    on_failure: OnFailure,
) -> Result<Enqueued, Error> {
    let added = add(&mut *conn, &then.clone().after(members, on_failure)).await?;
    if added.duplicate {
        // held until the members are on record: whoever releases it has to see them
        let waits = sqlx::query_scalar!(
            "select id from queue.pending where id = $1 for key share",
            added.id.0
        )
        .fetch_optional(conn)
        .await?;
        waits.ok_or(Error::FollowUpBegun(added.id))?;
    }
    Ok(added)
}

/// Adds jobs to a batch, in the caller's transaction. The batch does not end before them if a member
/// that has not ended yet adds them, at the latest in the transaction that completes it, or whoever
/// has just started the batch. No such batch is [`Error::UnknownJob`].
pub async fn extend(
    conn: &mut PgConnection,
    batch: BatchId,
    jobs: &[NewJob],
) -> Result<Vec<Enqueued>, Error> {
    let jobs = add_all(&mut *conn, jobs).await?;
    let members: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    join(conn, batch, &members).await?;
    Ok(jobs)
}

async fn join(conn: &mut PgConnection, batch: BatchId, members: &[JobId]) -> Result<(), Error> {
    let members: Vec<i64> = members.iter().map(|job| job.0).collect();
    sqlx::query!("select queue.batch_add_v1($1, $2)", batch.0, &members)
        .execute(conn)
        .await
        .map_err(|e| unknown_or(e, &[batch.0]))?;
    Ok(())
}

/// How far a batch has come; `None`: there is no such batch.
pub async fn progress(db: impl PgExecutor<'_>, id: BatchId) -> Result<Option<Progress>, Error> {
    of_any(db, None, Some(id.0)).await
}

/// The batch that a job follows or belongs to, the youngest of several.
pub async fn of(db: impl PgExecutor<'_>, job: JobId) -> Result<Option<Progress>, Error> {
    of_any(db, Some(job.0), None).await
}

async fn of_any(
    db: impl PgExecutor<'_>,
    job: Option<i64>,
    id: Option<i64>,
) -> Result<Option<Progress>, Error> {
    let row = sqlx::query!(
        r#"select b.id, b.name, b.created_at,
            (b.total + d.total)::bigint as "total!", (b.done + d.done)::bigint as "done!", (b.failed + d.failed)::bigint as "failed!"
        from queue.batch b
        cross join lateral (
            select coalesce(sum(x.total), 0) as total, coalesce(sum(x.done), 0) as done, coalesce(sum(x.failed), 0) as failed
            from queue.batch_delta x where x.batch = b.id
        ) d
        where b.id = coalesce($2, (
            select x.batch from (
                select m.batch from queue.batch_job m where m.job = $1
                union all
                select f.id from queue.batch f where f.id = $1
            ) x order by x.batch desc limit 1))"#,
        job,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let count = |n: i64| n.max(0).cast_unsigned();
        let (total, done, failed) = (count(row.total), count(row.done), count(row.failed));
        let state = match (done + failed >= total, failed) {
            (false, _) => BatchState::Running,
            (true, 0) => BatchState::Completed,
            (true, _) => BatchState::Failed,
        };
        Progress {
            id: BatchId(row.id),
            name: row.name,
            total,
            done,
            failed,
            state,
            created_at: row.created_at,
        }
    }))
}
