//! For the tests of an application: what was enqueued, jobs run inline, and time that passes when
//! the test says so. No sleeps, no background tasks, no stand-ins: jobs go through the same
//! statements as in production, on a database of the test's own.
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

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgExecutor, postgres::types::PgInterval};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Attempt, Config, Db, Error, Handlers, Job, JobId, NewJob, Outcome, QueueConfig, State, enqueue,
    inspect,
    process::{Arrays, Report, Shared, claim, interval, write},
    schedule,
};

/// A drain that has run this many attempts will not end by itself.
const ENDLESS: usize = 10_000;

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
    queues: BTreeSet<&'static str>,
}

impl<C: Clone + Send + Sync + 'static> Inline<C> {
    /// Nothing runs before it is told to.
    pub async fn new(db: &Db, handlers: Handlers<C>) -> Result<Self, Error> {
        let queues: BTreeSet<_> = handlers.registry().kinds().map(|kind| kind.queue).collect();
        let config = Config {
            pool: db.clone(),
            direct: db.pool().connect_options().as_ref().clone(),
            listen: false,
            name: "inline".to_owned(),
            version: "test".to_owned(),
            queues: queues
                .iter()
                .map(|name| QueueConfig { name: (*name).to_owned(), concurrency: 1 })
                .collect(),
            registry: handlers.registry().clone(),
        };
        let (shared, reports) = Shared::register(config).await?;
        Ok(Self { shared, reports, handlers, queues })
    }

    /// Adds the job and runs one attempt at it, before jobs that waited already only if its
    /// priority says so. Returns that attempt.
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

    /// Runs the attempt that a worker of the queue would run next; `None`: nothing can run now.
    pub async fn step(&mut self, queue: &str) -> Result<Option<Ran>, Error> {
        self.beat().await?;
        let Some(slots) = self.shared.slots.get(queue) else { return Ok(None) };
        let lease = self.shared.lease(self.shared.next_lease());
        let asked = Instant::now();
        let Some(claimed) = claim(&self.shared, lease, queue, 1, &Arrays::default()).await?.pop()
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
        let found = inspect::find(&self.shared.pool, attempt.job()).await?;
        Ok(Some(Ran {
            job: attempt.job(),
            kind: attempt.kind().to_owned(),
            attempt: attempt.number(),
            state: found.map_or(State::Completed, |found| found.job.state),
            error,
        }))
    }

    /// Runs everything that can run now in every queue of the handlers, and what that adds, until
    /// nothing is left. Jobs that wait for a time or a limit stay: [`Inline::advance`] and drain
    /// again. Panics after 10,000 attempts.
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

    /// Adds the job of a schedule as if its time had come.
    pub async fn tick(&self, schedule: &str) -> Result<JobId, Error> {
        let mut tx = self.shared.pool.begin().await?;
        let added = schedule::run_now(&mut tx, &self.shared.registry, schedule).await?;
        tx.commit().await?;
        Ok(added.unwrap_or_else(|| panic!("there is no schedule {schedule}")).id)
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

/// Jobs of a kind that wait, in whatever state, oldest first. In a transaction it sees what that
/// transaction has added.
pub async fn enqueued<J: Job>(db: impl PgExecutor<'_>) -> Vec<J> {
    let jobs = waiting(db, J::KIND).await.into_iter();
    jobs.map(|(id, args)| {
        serde_json::from_value(args).unwrap_or_else(|e| panic!("job {id} is no {}: {e}", J::KIND))
    })
    .collect()
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
