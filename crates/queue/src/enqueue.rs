//! Adding jobs, in the caller's transaction: a job exists exactly when that transaction commits.

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, postgres::PgDatabaseError};

use crate::{Error, JobArgs, JobId, UniqueUntil, name, trace};

/// Effect of a parent that ends without having completed on a job that waits for it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnFailure {
    /// The job is cancelled too, and so are jobs that wait for it with this rule.
    #[default]
    Cascade,
    /// The job is released, as if the parent had completed.
    Ignore,
    /// The job stays pending: it is released when an operator has retried the parent and it has
    /// completed, or at once when an operator retries the job itself.
    Pause,
}

impl OnFailure {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Cascade => "cascade",
            Self::Ignore => "ignore",
            Self::Pause => "pause",
        }
    }
}

/// A job to be added. A job that could never be claimed is refused with [`Error::Job`], which names
/// the field.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Not empty.
    pub kind: String,
    /// `[a-z][a-z0-9_]{0,39}`, and not `cancel`. A queue that does not exist yet is created.
    pub queue: String,
    /// `[a-z][a-z0-9_./-]{0,79}`. A lane that does not exist yet is created.
    pub lane: String,
    pub args: Value,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// 1 to 25.
    pub max_attempts: u16,
    /// Earliest time; `None`: now.
    pub due_at: Option<DateTime<Utc>>,
    /// Names the occasion, within the kind: 1 to 400 characters.
    pub unique_key: Option<String>,
    pub unique_until: UniqueUntil,
    pub tags: Vec<String>,
    /// The job whose attempt added this one.
    pub parent: Option<JobId>,
    /// W3C trace context of the caller; `None`: that of the [`trace::within`] around the enqueue.
    pub trace: Option<String>,
    /// The jobs that have to end before this one is claimed; [`NewJob::after`] adds to them.
    pub waits_for: Vec<(JobId, OnFailure)>,
    /// The reason why the arguments are not in `args`.
    #[doc(hidden)]
    pub unwritable: Option<String>,
}

/// Result of adding a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enqueued {
    /// The new job, or the job that holds the unique key.
    pub id: JobId,
    /// True if the job existed already.
    pub duplicate: bool,
}

impl<J: JobArgs> From<J> for NewJob {
    fn from(job: J) -> Self {
        Self::of(&job)
    }
}

impl From<&Self> for NewJob {
    fn from(job: &Self) -> Self {
        job.clone()
    }
}

impl NewJob {
    /// With its kind's policy, to be added at once. Arguments that cannot be written as JSON are
    /// [`Error::Job`] when it is added.
    pub fn of<J: JobArgs>(job: &J) -> Self {
        let (args, unwritable) = match serde_json::to_value(job) {
            Ok(args) => (args, None),
            Err(e) => (Value::Null, Some(e.to_string())),
        };
        Self {
            kind: J::KIND.to_owned(),
            queue: J::QUEUE.to_owned(),
            lane: job.lane().into_owned(),
            args,
            priority: J::PRIORITY,
            max_attempts: J::MAX_ATTEMPTS,
            due_at: None,
            unique_key: job.unique_key(),
            unique_until: J::UNIQUE_UNTIL,
            tags: Vec::new(),
            parent: None,
            trace: None,
            waits_for: Vec::new(),
            unwritable,
        }
    }

    /// Sets the earliest time, by the database's clock ([`schedule::now`](crate::schedule::now)).
    #[must_use]
    pub const fn at(mut self, due_at: DateTime<Utc>) -> Self {
        self.due_at = Some(due_at);
        self
    }

    /// 0 (first) to 9 (last).
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// In this lane of its queue.
    #[must_use]
    pub fn in_lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = lane.into();
        self
    }

    /// Names its occasion, in place of the kind's own key.
    #[must_use]
    pub fn unique_key(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Adds a tag by which the job is found; a job may have several.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Makes the job wait, `pending`, until all of these jobs have ended. A job that has ended
    /// already is not waited for; if it failed, `on_failure` applies. Jobs added in the same
    /// transaction may be named. A number that no job has had is [`Error::UnknownJob`] when the job
    /// is added; a job that is no longer kept counts as failed.
    #[must_use]
    pub fn after(mut self, jobs: &[JobId], on_failure: OnFailure) -> Self {
        self.waits_for.extend(jobs.iter().map(|job| (*job, on_failure)));
        self
    }
}

/// Adds one job, on a pool (`&Db`, `&PgPool`) or in a transaction (`&mut *tx`): a kind's arguments,
/// or a [`NewJob`].
pub async fn enqueue(
    db: impl PgExecutor<'_>,
    job: impl Into<NewJob> + Send,
) -> Result<Enqueued, Error> {
    let added = enqueue_all(db, &[job.into()]).await?;
    Ok(added[0])
}

/// Adds many jobs in one statement; the answers come in the jobs' order. A job whose unique key is
/// taken is answered with the holder's id, and the others are added all the same.
pub async fn enqueue_all(db: impl PgExecutor<'_>, jobs: &[NewJob]) -> Result<Vec<Enqueued>, Error> {
    for job in jobs {
        check(job)?;
    }
    let column = |f: fn(&NewJob) -> String| jobs.iter().map(f).collect::<Vec<_>>();
    let kinds = column(|j| j.kind.clone());
    let queues = column(|j| j.queue.clone());
    let lanes = column(|j| j.lane.clone());
    let holds = column(|j| j.unique_until.as_str().to_owned());
    let args: Vec<Value> = jobs.iter().map(|j| j.args.clone()).collect();
    let priorities: Vec<i16> = jobs.iter().map(|j| i16::from(j.priority)).collect();
    let max_attempts: Vec<i16> = jobs.iter().map(|j| j.max_attempts.cast_signed()).collect();
    let due: Vec<Option<DateTime<Utc>>> = jobs.iter().map(|j| j.due_at).collect();
    let keys: Vec<Option<String>> = jobs.iter().map(|j| j.unique_key.clone()).collect();
    let tags: Vec<Option<Value>> =
        jobs.iter().map(|j| (!j.tags.is_empty()).then(|| Value::from(j.tags.clone()))).collect();
    let parents: Vec<Option<i64>> = jobs.iter().map(|j| j.parent.map(|p| p.0)).collect();
    let here = trace::current().map(|here| here.to_string());
    let traces: Vec<Option<String>> =
        jobs.iter().map(|j| j.trace.clone().or_else(|| here.clone())).collect();

    let edges: Vec<(i32, i64, String)> = (1..)
        .zip(jobs)
        .flat_map(|(ord, job)| {
            job.waits_for
                .iter()
                .map(move |(parent, fail)| (ord, parent.0, fail.as_str().to_owned()))
        })
        .collect();
    let edge_of: Vec<i32> = edges.iter().map(|e| e.0).collect();
    let edge_parent: Vec<i64> = edges.iter().map(|e| e.1).collect();
    let edge_fail: Vec<String> = edges.into_iter().map(|e| e.2).collect();

    let mut rows = sqlx::query!(
        r#"select ord as "ord!", id as "id!", duplicate as "duplicate!"
        from queue.enqueue_all($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"#,
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
        &edge_of,
        &edge_parent,
        &edge_fail,
    )
    .fetch_all(db)
    .await
    .map_err(unknown_or)?;
    rows.sort_unstable_by_key(|row| row.ord);
    Ok(rows.into_iter().map(|r| Enqueued { id: JobId(r.id), duplicate: r.duplicate }).collect())
}

/// Refuses jobs that the tables would reject without naming the field, or accept and never claim.
fn check(job: &NewJob) -> Result<(), Error> {
    let long = |key: &String| key.is_empty() || key.chars().nth(400).is_some();
    let (field, reason) = if let Some(why) = &job.unwritable {
        ("args", format!("they cannot be written as JSON: {why}"))
    } else if job.kind.is_empty() {
        ("kind", "it must not be empty".to_owned())
    } else if !name::is_queue(&job.queue) {
        ("queue", format!("{}, not {:?}", name::QUEUE, job.queue))
    } else if !name::is_lane(&job.lane) {
        ("lane", format!("{}, not {:?}", name::LANE, job.lane))
    } else if job.priority > 9 {
        ("priority", format!("it is 0 (first) to 9 (last), not {}", job.priority))
    } else if !(1..=25).contains(&job.max_attempts) {
        ("max_attempts", format!("they are 1 to 25, not {}", job.max_attempts))
    } else if job.due_at.is_some_and(|at| !(1..=9999).contains(&at.year())) {
        ("due_at", "it is a time of the years 1 to 9999".to_owned())
    } else if job.unique_key.as_ref().is_some_and(long) {
        ("unique_key", name::UNIQUE_KEY.to_owned())
    } else {
        return Ok(());
    };
    Err(Error::Job { kind: job.kind.clone(), field, reason })
}

/// Returns [`Error::UnknownJob`] if the database refused a number that no job has had.
pub(crate) fn unknown_or(e: sqlx::Error) -> Error {
    let refused = e.as_database_error().filter(|d| d.code().as_deref() == Some("QU003"));
    let refused = refused.and_then(|d| d.try_downcast_ref::<PgDatabaseError>());
    let unknown = refused.and_then(|d| d.detail()?.parse().ok());
    unknown.map_or_else(|| e.into(), |id| Error::UnknownJob(JobId(id)))
}
