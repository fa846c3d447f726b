//! Batches: jobs tracked together, with their progress and a job that follows them.
//!
//! Members run as any other jobs. The job that follows waits for all of them, `pending`, and is
//! released exactly once, after the last of them has ended.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    Enqueued, Error, Job, JobId, NewJob, OnFailure,
    enqueue::{enqueue, enqueue_all, unknown_or},
    output,
};

/// A batch's number: that of the job that follows, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BatchId(pub i64);

impl std::fmt::Display for BatchId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A batch to be started with [`start`].
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
    pub fn job(mut self, job: impl Into<NewJob>) -> Self {
        self.jobs.push(job.into());
        self
    }

    #[must_use]
    pub fn jobs(mut self, jobs: impl IntoIterator<Item: Into<NewJob>>) -> Self {
        self.jobs.extend(jobs.into_iter().map(Into::into));
        self
    }

    /// Sets the job that runs once every member has ended. If another job holds its unique key and
    /// is pending, the members join that job's batch; if that job no longer waits, [`start`] is
    /// refused.
    #[must_use]
    pub fn then(mut self, job: impl Into<NewJob>) -> Self {
        self.then = Some(job.into());
        self
    }

    /// Sets the effect of a member that does not complete on the job that follows. By default that
    /// job runs all the same, and may read the [`Progress`].
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

/// Progress of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    pub id: BatchId,
    pub name: String,
    /// Members, including those added later.
    pub total: u64,
    /// Members that have completed.
    pub done: u64,
    /// Members that have ended otherwise. A retried member does not count until it ends again.
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

/// Adds a batch with its members and the job that follows, in the caller's transaction. If a
/// member's unique key is taken, the job that holds it is the member.
///
/// [`Error::FollowUpBegun`]: a job that no longer waits holds the unique key of the job that
/// follows, and so cannot follow. Roll the transaction back, and give the job of each batch a key
/// of its own.
pub async fn start(conn: &mut PgConnection, batch: &NewBatch) -> Result<Started, Error> {
    let jobs = enqueue_all(&mut *conn, &batch.jobs).await?;
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
    let added = enqueue(&mut *conn, then.clone().after(members, on_failure)).await?;
    if added.duplicate {
        // locked until the members are recorded: the transaction that releases it must see them
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

/// Adds jobs to a batch, in the caller's transaction. The batch cannot end before them if a member
/// that has not ended adds them, at the latest in the transaction that completes it, or if the
/// transaction that started the batch does. [`Error::UnknownJob`]: there is no such batch.
pub async fn extend(
    conn: &mut PgConnection,
    batch: BatchId,
    jobs: &[NewJob],
) -> Result<Vec<Enqueued>, Error> {
    let jobs = enqueue_all(&mut *conn, jobs).await?;
    let members: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    join(conn, batch, &members).await?;
    Ok(jobs)
}

async fn join(conn: &mut PgConnection, batch: BatchId, members: &[JobId]) -> Result<(), Error> {
    let members: Vec<i64> = members.iter().map(|job| job.0).collect();
    sqlx::query!("select queue.add_to_batch($1, $2)", batch.0, &members)
        .execute(conn)
        .await
        .map_err(unknown_or)?;
    Ok(())
}

/// Returns a batch's progress; `None`: there is no such batch.
pub async fn progress(db: impl PgExecutor<'_>, id: BatchId) -> Result<Option<Progress>, Error> {
    of_any(db, None, Some(id.0)).await
}

/// Returns the outputs of the completed members of this kind, in the order of their numbers.
pub async fn outputs<J: Job>(
    db: impl PgExecutor<'_>,
    id: BatchId,
) -> Result<Vec<(JobId, J::Output)>, Error> {
    output::of_batch::<J>(db, id).await
}

/// Returns the batch that a job follows or belongs to, the newest of several.
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
