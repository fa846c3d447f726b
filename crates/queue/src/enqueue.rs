//! Adding jobs, in the caller's transaction: a job exists exactly when the rows that called for
//! it do.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Error, Holds, Job, JobId, name, trace};

/// What becomes of a job that waits for another, when the other ends without having completed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnFailure {
    /// It is cancelled too, and so is whatever waits for it in this way.
    #[default]
    Cascade,
    /// It goes on, as if the other had completed.
    Ignore,
    /// It stays pending: it goes on once somebody has retried the other and that has completed, or
    /// at once when somebody retries it itself.
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

/// A job that is about to be added. One that could never be claimed is refused with [`Error::Job`],
/// which names the field.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Not empty.
    pub kind: String,
    /// `[a-z][a-z0-9_]{0,39}`, and not `cancel`. A queue that nobody has named yet begins to exist.
    pub queue: String,
    /// `[a-z][a-z0-9_./-]{0,79}`; likewise.
    pub lane: String,
    pub args: Value,
    /// 0 (first) to 9 (last).
    pub priority: u8,
    /// 1 to 25.
    pub max_attempts: u16,
    /// Not before this time; `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    /// Names the occasion, within the kind: 1 to 400 characters.
    pub unique_key: Option<String>,
    pub holds: Holds,
    pub tags: Vec<String>,
    /// The job whose attempt added this one.
    pub parent: Option<JobId>,
    /// W3C trace context of whoever added it; `None`: the [`trace::within`] around the enqueue.
    pub trace: Option<String>,
    /// The jobs that have to end before this one is claimed; [`NewJob::after`] adds to them.
    pub waits_for: Vec<(JobId, OnFailure)>,
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
    /// With its kind's policy, to be added at once.
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
            waits_for: Vec::new(),
        })
    }

    /// Not before this time, by the database's clock ([`schedule::now`](crate::schedule::now)).
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

    /// A word to find the job by; a job may have several.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Lets the job wait, `pending`, until all of these have ended. Those that have ended already
    /// are not waited for; one that failed cancels the job, or is ignored, as `on_failure` says.
    /// Parents added in the same transaction may be named. A number that no job has had is
    /// [`Error::UnknownJob`] when the job is added; a job that is no longer kept counts as failed.
    #[must_use]
    pub fn after(mut self, jobs: &[JobId], on_failure: OnFailure) -> Self {
        self.waits_for.extend(jobs.iter().map(|job| (*job, on_failure)));
        self
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
    for job in jobs {
        check(job)?;
    }
    let column = |f: fn(&NewJob) -> String| jobs.iter().map(f).collect::<Vec<_>>();
    let kinds = column(|j| j.kind.clone());
    let queues = column(|j| j.queue.clone());
    let lanes = column(|j| j.lane.clone());
    let holds = column(|j| j.holds.as_str().to_owned());
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
        from queue.enqueue_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"#,
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
    .fetch_all(conn)
    .await
    .map_err(|e| unknown_or(e, &edge_parent))?;
    rows.sort_unstable_by_key(|row| row.ord);
    Ok(rows.into_iter().map(|r| Enqueued { id: JobId(r.id), duplicate: r.duplicate }).collect())
}

/// What the tables would refuse without a word of which field, or take and never claim.
fn check(job: &NewJob) -> Result<(), Error> {
    let long = |key: &String| key.is_empty() || key.chars().nth(400).is_some();
    let (field, reason) = if job.kind.is_empty() {
        ("kind", "it has a name".to_owned())
    } else if !name::is_queue(&job.queue) {
        ("queue", format!("{}, not {:?}", name::QUEUE, job.queue))
    } else if !name::is_lane(&job.lane) {
        ("lane", format!("{}, not {:?}", name::LANE, job.lane))
    } else if job.priority > 9 {
        ("priority", format!("it is 0 (first) to 9 (last), not {}", job.priority))
    } else if !(1..=25).contains(&job.max_attempts) {
        ("max_attempts", format!("they are 1 to 25, not {}", job.max_attempts))
    } else if job.unique_key.as_ref().is_some_and(long) {
        ("unique_key", name::UNIQUE_KEY.to_owned())
    } else {
        return Ok(());
    };
    Err(Error::Job { kind: job.kind.clone(), field, reason })
}

/// Names the job that does not exist, where that is what the database refused.
pub(crate) fn unknown_or(e: sqlx::Error, asked: &[i64]) -> Error {
    let database = e.as_database_error();
    if database.and_then(sqlx::error::DatabaseError::code).as_deref() != Some("QU003") {
        return e.into();
    }
    let message = database.map(|d| d.message().to_owned()).unwrap_or_default();
    let named = |word: &str| word.parse().ok().filter(|id| asked.contains(id));
    message.split(' ').find_map(named).map_or_else(|| e.into(), |id| Error::UnknownJob(JobId(id)))
}
