//! For the tests of an application: what was enqueued, jobs run inline, and time that passes when
//! the test says so. No sleeps, no background tasks, no stand-ins: jobs go through the same
//! statements as in production, on a database of the test's own.
//!
//! **The database is the test's own.** [`advance`] moves every time that the queue has written, of
//! every job: on a database that anybody else works on it makes jobs run early and windows empty
//! that are not.
//!
//! `#[sqlx::test]` gives each test its own, at `DATABASE_URL` (with sqlx's features `macros` and
//! `migrate`):
//!
//! ```no_run
//! use bellwether_queue::{Db, MIGRATOR, sqlx};
//!
//! #[sqlx::test(migrations = false)]
//! async fn a_new_user_is_welcomed(pool: sqlx::PgPool) -> sqlx::Result<()> {
//!     MIGRATOR.run(&pool).await?;
//!     let db = Db::direct(pool);
//!     // …
//! #   let _ = db;
//!     Ok(())
//! }
//! ```
//!
//! What was enqueued, and what becomes of it:
//!
//! ```no_run
//! # use bellwether_queue::{Attempt, Db, Failure, Handlers, Job, State, enqueue, testing};
//! # use serde_json::json;
//! # use std::time::Duration;
//! # #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! # struct Welcome { user: i64 }
//! # impl Job for Welcome {
//! #     const KIND: &'static str = "welcome";
//! #     const QUEUE: &'static str = "mail";
//! #     type Context = ();
//! #     async fn run(self, _: (), _: &Attempt) -> Result<(), Failure> { Ok(()) }
//! # }
//! # async fn sign_up(_: &Db) -> Result<(), bellwether_queue::Error> { Ok(()) }
//! # async fn test(db: Db) -> Result<(), bellwether_queue::Error> {
//! sign_up(&db).await?;
//! testing::assert_enqueued(&db, "welcome", json!({"user": 7})).await;
//!
//! let mut inline = testing::Inline::new(&db, Handlers::new(()).with::<Welcome>()).await?;
//! let ran = inline.drain().await?;
//! assert_eq!(ran[0].state, State::Completed);
//!
//! inline.advance(Duration::from_hours(24)).await?; // what is due tomorrow is due
//! inline.drain().await?;
//! # Ok(())
//! # }
//! ```

use std::{collections::BTreeSet, panic::Location, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgExecutor, postgres::types::PgInterval};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Attempt, Config, Db, Error, Handlers, Job, JobId, NewJob, Outcome, State, enqueue, inspect,
    process::{Arrays, Kinds, Report, Shared, claim, interval, write},
    schedule,
};

/// A drain that has run this many attempts will not end by itself.
const ENDLESS: usize = 10_000;

/// Jobs that waited for others and are released in one step.
const RELEASED: i32 = 1_000;

/// What the passing of time leaves alone: the calendar and what is named by its dates, and records
/// of processes, whose beats are counted and not timed.
const CALENDAR: [&str; 7] =
    ["audit", "bucket", "migration", "process", "schedule", "tally", "tick"];

/// One attempt that was run inline.
#[derive(Clone, Debug)]
pub struct Ran {
    pub job: JobId,
    pub kind: String,
    /// 1 for the first.
    pub attempt: u16,
    /// Where the attempt's outcome left the job.
    pub state: State,
    /// What the handler said, unless the job is completed.
    pub error: Option<String>,
}

/// Runs jobs in the calling task, one after the other, and writes how each ended before it
/// returns.
pub struct Inline<C> {
    shared: Arc<Shared>,
    reports: mpsc::UnboundedReceiver<Report>,
    handlers: Handlers<C>,
    kinds: Kinds,
    queues: BTreeSet<&'static str>,
}

impl<C: Clone + Send + Sync + 'static> Inline<C> {
    /// Nothing runs before it is told to.
    pub async fn new(db: &Db, handlers: Handlers<C>) -> Result<Self, Error> {
        let queues: BTreeSet<_> = handlers.registry().kinds().map(|kind| kind.queue).collect();
        let config = Config::new(db.clone(), handlers.registry()).named("inline", "test");
        let config =
            queues.iter().fold(config.listen(false), |config, name| config.queue(*name, 1));
        let (shared, reports) = Shared::register(config).await?;
        let kinds = Kinds::of(handlers.registry());
        Ok(Self { shared, reports, handlers, kinds, queues })
    }

    /// Adds the job and runs one attempt at it. Jobs of its queue that come first (added before with
    /// its priority, or more urgent) are run first, and how they ended is told to nobody. Returns the
    /// job's own attempt.
    ///
    /// # Panics
    /// If the job cannot run now: it waits for a limit, its queue is paused, or its unique key
    /// belongs to a job that has ended.
    pub async fn run<J: Job>(&mut self, job: &J) -> Result<Ran, Error> {
        let mut tx = self.shared.pool.begin().await?;
        let added = enqueue::add(&mut tx, &NewJob::of(job)?).await?;
        tx.commit().await?;
        for _ in 0..ENDLESS {
            match self.step(J::QUEUE).await? {
                Some(ran) if ran.job == added.id => return Ok(ran),
                Some(_) => {}
                None => break,
            }
        }
        let state = inspect::find(&self.shared.pool, added.id).await?.map(|found| found.job.state);
        panic!("job {} of kind {} cannot run now: it is {state:?}", added.id, J::KIND);
    }

    /// Runs the attempt that a worker of the queue would run next; `None`: nothing can run now. Jobs
    /// that wait for others go on once those have ended, as they would beside a worker.
    pub async fn step(&mut self, queue: &str) -> Result<Option<Ran>, Error> {
        self.beat().await?;
        self.release().await?;
        let Some(slots) = self.shared.slots.get(queue) else { return Ok(None) };
        let lease = self.shared.lease(self.shared.next_lease());
        let asked = Instant::now();
        let Some(claimed) =
            claim(&self.shared, &self.kinds, lease, queue, 1, &Arrays::default()).await?.pop()
        else {
            return Ok(None);
        };
        let slot = slots.take();
        let attempt = Arc::new(Attempt::new(claimed, lease, Arc::clone(&self.shared), slot, asked));
        self.shared.track(&attempt);
        let outcome = self.handlers.run(&attempt).await;
        let error = match &outcome {
            Outcome::Complete => None,
            Outcome::Failed(failure) => Some(failure.message()),
            Outcome::Panicked(text) | Outcome::Undecodable(text) => Some(text.clone()),
            other => Some(format!("{other:?}")),
        };
        attempt.settle(outcome);
        while let Ok(report) = self.reports.try_recv() {
            let mut left = vec![report];
            while !left.is_empty() {
                left = write(&self.shared, left, &CancellationToken::new()).await;
            }
        }
        self.release().await?;
        let found = inspect::find(&self.shared.pool, attempt.job()).await?;
        Ok(Some(Ran {
            job: attempt.job(),
            kind: attempt.kind().to_owned(),
            attempt: attempt.number(),
            state: found.map_or(State::Completed, |found| found.job.state),
            error,
        }))
    }

    /// Runs everything that can run now in every queue of the handlers, and what that adds or was
    /// waited for by, until nothing is left. Jobs that wait for a time or a limit stay:
    /// [`Inline::advance`] and drain again.
    ///
    /// # Panics
    /// After 10,000 attempts: such jobs go on adding jobs.
    pub async fn drain(&mut self) -> Result<Vec<Ran>, Error> {
        let mut ran = Vec::new();
        loop {
            let before = ran.len();
            for queue in self.queues.clone() {
                while let Some(one) = self.step(queue).await? {
                    ran.push(one);
                    assert!(ran.len() < ENDLESS, "jobs go on adding jobs: {:?}", ran.last());
                }
            }
            if ran.len() == before {
                return Ok(ran);
            }
        }
    }

    /// Lets time pass. The database's clock cannot be moved, so everything that it is compared
    /// with is: whatever the queue has written happened, and whatever it waits for comes, so much
    /// earlier. Jobs become due, windows empty, parked keys and open breakers return, history ages.
    /// The calendar stays where it is: schedules go by [`Inline::tick`], and a window of a calendar
    /// day holds what the day now holds.
    pub async fn advance(&self, by: Duration) -> Result<(), Error> {
        advance(&self.shared.pool, by).await
    }

    /// Makes the schedule's next tick, as if its time had come; the tick after that, when called
    /// again. The job is due at once, and carries the unique key of the tick or of its slot; where
    /// another job has it, that one's number is returned. A pause is no obstacle.
    ///
    /// # Panics
    /// If there is no such schedule.
    pub async fn tick(&self, schedule: &str) -> Result<JobId, Error> {
        self.tick_or_next(schedule, None).await
    }

    /// As [`Inline::tick`], for the tick of this time; one that was made already is not made again.
    ///
    /// # Panics
    /// If there is no such schedule.
    pub async fn tick_at(&self, schedule: &str, at: DateTime<Utc>) -> Result<JobId, Error> {
        self.tick_or_next(schedule, Some(at)).await
    }

    async fn tick_or_next(
        &self,
        schedule: &str,
        at: Option<DateTime<Utc>>,
    ) -> Result<JobId, Error> {
        let Shared { pool, registry, .. } = &*self.shared;
        let job = schedule::tick_at(pool, registry, schedule, at).await?;
        Ok(job.unwrap_or_else(|| panic!("there is no schedule {schedule}")))
    }

    /// What a process does in the background for jobs that wait for others, and for batches.
    async fn release(&self) -> Result<(), Error> {
        let pool = &self.shared.pool;
        let look = async || {
            sqlx::query_scalar!(r#"select queue.check_edges_v1() as "looked!""#)
                .fetch_one(pool)
                .await
        };
        while look().await? > 0 {}
        let step = async || {
            sqlx::query_scalar!(r#"select queue.release_v1($1) as "n!""#, RELEASED)
                .fetch_one(pool)
                .await
        };
        while step().await? > 0 {}
        sqlx::query!("select queue.fold_batches_v1()").fetch_one(pool).await?;
        Ok(())
    }

    /// What a heartbeat does, here before each claim.
    async fn beat(&self) -> Result<(), Error> {
        sqlx::query!(
            "update queue.process set beat = beat + 1, beat_at = clock_timestamp() where id = $1",
            self.shared.identity()
        )
        .execute(&self.shared.pool)
        .await?;
        self.shared.beaten();
        Ok(())
    }
}

/// As [`Inline::advance`], for tests that run real workers.
///
/// **For a database of the test's own only.** It rewrites every time in schema `queue`, of every job
/// that was ever added, and nothing takes that back.
pub async fn advance(db: &Db, by: Duration) -> Result<(), Error> {
    let tables: Vec<(String, Vec<String>)> = sqlx::query_as(
        "select c.relname::text, array_agg(a.attname::text)
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'queue'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
            and a.atttypid = 'timestamptz'::regtype and a.attnum > 0 and not a.attisdropped
            and c.relname <> all ($1)
        group by 1 order by 1",
    )
    .bind(CALENDAR.map(str::to_owned).to_vec())
    .fetch_all(db)
    .await?;
    let mut tx = db.begin().await?;
    for (table, columns) in tables {
        // By way of an age that no row is in, lest one meets another on its way.
        for step in ["- interval '2000 years' - $1", "+ interval '2000 years'"] {
            let set: Vec<_> = columns.iter().map(|c| format!("\"{c}\" = \"{c}\" {step}")).collect();
            let update = format!("update queue.\"{table}\" set {}", set.join(", "));
            let update = sqlx::query(AssertSqlSafe(update));
            let by: PgInterval = interval(by);
            let update = if step.contains("$1") { update.bind(by) } else { update };
            update.execute(&mut *tx).await?;
        }
    }
    // what has become due in the past is looked for there
    sqlx::query!("select setval('queue.promoted_all', 0)").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// A job that waits, with how it was added.
#[derive(Clone, Debug)]
pub struct Waiting<J> {
    pub id: JobId,
    pub job: J,
    pub state: State,
    pub queue: String,
    pub lane: String,
    pub priority: u8,
    pub max_attempts: u16,
    /// `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    pub unique_key: Option<String>,
    pub tags: Vec<String>,
    /// The job whose attempt added it.
    pub parent: Option<JobId>,
}

/// Jobs of a kind that wait, in whatever state, oldest first. In a transaction it sees what that
/// transaction has added.
pub async fn jobs<J: Job>(db: impl PgExecutor<'_>) -> Vec<Waiting<J>> {
    let rows = sqlx::query!(
        r#"select id as "id!", state as "state!", args as "args!", queue as "queue!", lane as "lane!",
            priority as "priority!", max_attempts as "max_attempts!", due_at, unique_key, tags, parent
        from queue.job
        where kind = $1 and state in ('pending', 'scheduled', 'available', 'parked', 'retryable')
        order by id"#,
        J::KIND
    )
    .fetch_all(db)
    .await
    .unwrap_or_else(|e| panic!("cannot look at the queue: {e}"));
    let jobs = rows.into_iter().map(|row| Waiting {
        id: JobId(row.id),
        job: serde_json::from_value(row.args)
            .unwrap_or_else(|e| panic!("job {} is no {}: {e}", row.id, J::KIND)),
        state: row.state.parse().expect("the view has the states' own names"),
        queue: row.queue,
        lane: row.lane,
        priority: row.priority as u8,
        max_attempts: row.max_attempts as u16,
        due_at: row.due_at,
        unique_key: row.unique_key,
        tags: row.tags.unwrap_or_default(),
        parent: row.parent.map(JobId),
    });
    jobs.collect()
}

/// The arguments of [`jobs`].
pub async fn enqueued<J: Job>(db: impl PgExecutor<'_>) -> Vec<J> {
    jobs(db).await.into_iter().map(|waiting| waiting.job).collect()
}

/// Panics unless a job of the kind waits whose arguments contain these; returns the oldest one's
/// number.
#[track_caller]
pub fn assert_enqueued<'a>(
    db: impl PgExecutor<'a> + 'a,
    kind: &'a str,
    args: Value,
) -> impl Future<Output = JobId> + 'a {
    let caller = Location::caller();
    async move {
        let jobs = waiting(db, kind).await;
        if let Some((id, _)) = jobs.iter().find(|(_, have)| contains(have, &args)) {
            return *id;
        }
        panic!("{caller}: no {kind} with {args} waits, but {}", list(&jobs))
    }
}

/// Panics if a job of the kind waits whose arguments contain these.
#[track_caller]
pub fn refute_enqueued<'a>(
    db: impl PgExecutor<'a> + 'a,
    kind: &'a str,
    args: Value,
) -> impl Future<Output = ()> + 'a {
    let caller = Location::caller();
    async move {
        let jobs = waiting(db, kind).await;
        let found: Vec<_> = jobs.into_iter().filter(|(_, have)| contains(have, &args)).collect();
        assert!(found.is_empty(), "{caller}: a {kind} with {args} waits: {}", list(&found));
    }
}

async fn waiting(db: impl PgExecutor<'_>, kind: &str) -> Vec<(JobId, Value)> {
    let rows = sqlx::query!(
        r#"select id as "id!", args as "args!" from queue.job
        where kind = $1 and state in ('pending', 'scheduled', 'available', 'parked', 'retryable')
        order by id"#,
        kind
    )
    .fetch_all(db)
    .await
    .unwrap_or_else(|e| panic!("cannot look at the queue: {e}"));
    rows.into_iter().map(|row| (JobId(row.id), row.args)).collect()
}

/// Whether every part of `wanted` is in `have`: fields of objects, all the rest as it is.
fn contains(have: &Value, wanted: &Value) -> bool {
    match (have, wanted) {
        (Value::Object(have), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| have.get(name).is_some_and(|have| contains(have, wanted))),
        _ => have == wanted,
    }
}

fn list(jobs: &[(JobId, Value)]) -> String {
    if jobs.is_empty() {
        return "none of that kind does".to_owned();
    }
    jobs.iter().map(|(id, args)| format!("{id} {args}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_compared_by_the_parts_that_are_named() {
        let have = json!({"user": 7, "mail": {"to": "a@b", "cc": []}});
        assert!(contains(&have, &json!({})));
        assert!(contains(&have, &json!({"mail": {"to": "a@b"}})));
        assert!(!contains(&have, &json!({"mail": {"to": "c@d"}})));
        assert!(!contains(&have, &json!({"name": null})));
    }
}
