//! Test kit for applications: asserts on enqueued jobs, runs jobs inline, and lets time pass when the
//! test says so. No sleeps, no background tasks, no stand-ins: jobs go through the same statements as
//! in production, on a database of the test's own.
//!
//! **The database must be the test's own.** [`advance`] moves every time that the queue has written:
//! on a shared database, jobs of others would run early, and full windows would count as empty.
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
//! Asserting on an enqueued job, and running it:
//!
//! ```no_run
//! # use bellwether_queue::{Attempt, Db, Failure, Handlers, Job, JobArgs, State, enqueue, testing};
//! # use serde_json::json;
//! # use std::time::Duration;
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Welcome { user: i64 }
//! # impl JobArgs for Welcome {
//! #     const KIND: &'static str = "welcome";
//! #     const QUEUE: &'static str = "mail";
//! # }
//! #
//! # impl Job for Welcome {
//! #     type Context = ();
//! #     type Output = ();
//! #     async fn run(self, _: (), _: &Attempt) -> Result<(), Failure> { Ok(()) }
//! # }
//! # async fn sign_up(_: &Db) -> Result<(), bellwether_queue::Error> { Ok(()) }
//! # async fn test(db: Db) -> Result<(), bellwether_queue::Error> {
//! sign_up(&db).await?;
//! testing::assert_enqueued(&db, "welcome", json!({"user": 7})).await;
//!
//! let mut inline = testing::Inline::new(&db, Handlers::new().with::<Welcome>(())).await?;
//! let ran = inline.drain().await?;
//! assert_eq!(ran[0].state, State::Completed);
//!
//! inline.advance(Duration::from_hours(24)).await?; // jobs due tomorrow are due
//! inline.drain().await?;
//! # Ok(())
//! # }
//! ```

mod waiting;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, postgres::types::PgInterval};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

pub use self::waiting::{Waiting, assert_enqueued, enqueued, jobs, refute_enqueued};
use crate::{
    Attempt, Config, Db, Error, Handlers, JobArgs, JobId, Outcome, State,
    db::interval,
    enqueue, inspect,
    process::{Arrays, Kinds, Report, Shared, claim, recheck, write},
    schedule,
};

/// A drain is considered endless after this many attempts.
const ENDLESS: usize = 10_000;

/// Tables that [`advance`] leaves alone: the calendar and what is named by its dates, and
/// processes, whose heartbeats are counted, not timed.
const CALENDAR: [&str; 7] =
    ["audit", "bucket", "migration", "process", "schedule", "tally", "tick"];

/// An attempt that was run inline.
#[derive(Clone, Debug)]
pub struct Ran {
    pub job: JobId,
    pub kind: String,
    /// 1 for the first.
    pub attempt: u16,
    /// State of the job after the attempt.
    pub state: State,
    /// The handler's error; `None` if the job is completed.
    pub error: Option<String>,
}

/// Runs jobs in the calling task, one after the other, and stores each outcome before it returns.
pub struct Inline {
    shared: Arc<Shared>,
    reports: mpsc::UnboundedReceiver<Report>,
    handlers: Handlers,
    kinds: Kinds,
    queues: BTreeSet<&'static str>,
}

impl Inline {
    /// Registers a process for the handlers' queues. Jobs run only when a method is called.
    pub async fn new(db: &Db, handlers: Handlers) -> Result<Self, Error> {
        let queues: BTreeSet<_> = handlers.registry().kinds().map(|kind| kind.queue).collect();
        let config = Config::new(db.clone(), handlers.registry()).named("inline", "test");
        let config =
            queues.iter().fold(config.listen(false), |config, name| config.queue(*name, 1));
        let (shared, reports) = Shared::register(config).await?;
        let kinds = Kinds::of(handlers.registry());
        Ok(Self { shared, reports, handlers, kinds, queues })
    }

    /// Adds the job and runs one attempt of it. Jobs of its queue that come first (an older job of
    /// the same priority, or a more urgent one) are run before, and their results are not returned.
    /// Returns the job's own attempt.
    ///
    /// # Panics
    /// If the job cannot run now: it waits for a limit, its queue is paused, or its unique
    /// key belongs to a job that has ended.
    pub async fn run<J: JobArgs>(&mut self, job: J) -> Result<Ran, Error> {
        let added = enqueue(&self.shared.pool, job).await?;
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

    /// Runs the attempt that a worker of the queue would run next; `None`: no job can run now. Jobs
    /// that wait for others are released as those end, as beside a worker.
    pub async fn step(&mut self, queue: &str) -> Result<Option<Ran>, Error> {
        self.beat().await?;
        recheck(&self.shared).await?;
        let Some(slots) = self.shared.slots.get(queue) else { return Ok(None) };
        let lease = self.shared.lease(self.shared.next_lease());
        let asked = Instant::now();
        let Some(claimed) =
            claim(&self.shared, &self.kinds, lease, queue, 1, &Arrays::default()).await?.pop()
        else {
            return Ok(None);
        };
        let owner = Arc::clone(&self.shared);
        let attempt = Arc::new(Attempt::new(claimed, lease, owner, asked));
        self.shared.track(&attempt, slots.take());
        let outcome = self.handlers.run(&attempt).await;
        let error = match &outcome {
            Outcome::Complete => None,
            Outcome::Failed(failure) => Some(failure.message()),
            Outcome::Panicked(text) | Outcome::Undecodable(text) => Some(text.clone()),
            other => Some(format!("{other:?}")),
        };
        attempt.finish(outcome);
        while let Ok(report) = self.reports.try_recv() {
            let mut left = vec![report];
            while !left.is_empty() {
                left = write(&self.shared, left, &CancellationToken::new()).await;
            }
        }
        recheck(&self.shared).await?;
        let found = inspect::find(&self.shared.pool, attempt.job()).await?;
        Ok(Some(Ran {
            job: attempt.job(),
            kind: attempt.kind().to_owned(),
            attempt: attempt.number(),
            state: found.map_or(State::Completed, |found| found.job.state),
            error,
        }))
    }

    /// Runs every job that can run now in the queues of the handlers, and those that these add or
    /// release, until none is left. Jobs that wait for a time or a limit stay: call
    /// [`Inline::advance`] and drain again.
    ///
    /// # Panics
    /// After 10,000 attempts: jobs keep adding jobs.
    pub async fn drain(&mut self) -> Result<Vec<Ran>, Error> {
        let mut ran = Vec::new();
        loop {
            let before = ran.len();
            for queue in self.queues.clone() {
                while let Some(one) = self.step(queue).await? {
                    ran.push(one);
                    assert!(ran.len() < ENDLESS, "jobs keep adding jobs: {:?}", ran.last());
                }
            }
            if ran.len() == before {
                return Ok(ran);
            }
        }
    }

    /// Lets time pass. The database's clock cannot be moved, so every stored time is moved back by
    /// this much: the past is older, and waits are shorter. Jobs become due, windows empty, parks
    /// and open breakers end, history ages. The calendar stays: schedules are ticked by
    /// [`Inline::tick`], and a window of a calendar day holds what the current day holds.
    pub async fn advance(&self, by: Duration) -> Result<(), Error> {
        advance(&self.shared.pool, by).await
    }

    /// Makes the schedule's next tick, as if its time had come; a further call makes the tick after
    /// that. The job is due at once, and carries the unique key of the tick or of its slot; if
    /// another job holds that key, its number is returned. A paused schedule ticks too.
    ///
    /// # Panics
    /// If there is no such schedule.
    pub async fn tick(&self, schedule: &str) -> Result<JobId, Error> {
        self.tick_or_next(schedule, None).await
    }

    /// As [`Inline::tick`], for the tick of this time; a tick that was made already is not made
    /// again.
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

    /// Sends the heartbeat of a process, before each claim.
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
/// **Only for a database of the test's own.** It rewrites every time in schema `queue`, of every
/// job, and cannot be undone.
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
        // By way of an age without rows, so that no row collides with one that has not moved yet.
        for step in ["- interval '2000 years' - $1", "+ interval '2000 years'"] {
            let set: Vec<_> = columns.iter().map(|c| format!("\"{c}\" = \"{c}\" {step}")).collect();
            let update = format!("update queue.\"{table}\" set {}", set.join(", "));
            let update = sqlx::query(AssertSqlSafe(update));
            let by: PgInterval = interval(by);
            let update = if step.contains("$1") { update.bind(by) } else { update };
            update.execute(&mut *tx).await?;
        }
    }
    // jobs may have become due before the mark: the next promotion searches from the start
    sqlx::query!("select setval('queue.promoted_all', 0)").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}
