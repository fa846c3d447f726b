//! Jobs for tests, a database with the queue's schema, and claims made by hand.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

pub(crate) use bellwether_queue::Db;
use bellwether_queue::{
    Attempt, Config, Failure, Handlers, Job, JobArgs, JobId, MIGRATOR, NewJob, OnFailure, Outcome,
    Process, QueueConfig, Registry, State, UniqueUntil, inspect,
    schemars::{Schema, schema_for},
};
use bellwether_testing::Database;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Does nothing; its unique key holds until it is pruned.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) text: String,
}

impl JobArgs for Note {
    const KIND: &'static str = "note";
    const QUEUE: &'static str = "notes";

    fn unique_key(&self) -> Option<String> {
        self.text.strip_prefix("unique ").map(str::to_owned)
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for Note {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

/// Reads current state: its key holds until it is claimed.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug)]
pub(crate) struct Refresh {
    pub(crate) what: String,
}

impl JobArgs for Refresh {
    const KIND: &'static str = "refresh";
    const QUEUE: &'static str = "notes";
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Claimed;

    fn unique_key(&self) -> Option<String> {
        Some(self.what.clone())
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for Refresh {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

/// Waits in a limited lane.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug)]
pub(crate) struct Call {
    pub(crate) lane: String,
}

impl JobArgs for Call {
    const KIND: &'static str = "call";
    const QUEUE: &'static str = "calls";

    fn lane(&self) -> Cow<'static, str> {
        self.lane.clone().into()
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for Call {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

pub(crate) fn note(text: &str) -> NewJob {
    NewJob::of(&Note { text: text.to_owned() })
}

pub(crate) fn call(lane: &str) -> NewJob {
    Call { lane: lane.to_owned() }.into()
}

pub(crate) async fn database() -> Database {
    bellwether_testing::database(&[&MIGRATOR]).await
}

pub(crate) fn registry() -> Registry {
    handlers().registry().clone()
}

pub(crate) fn handlers() -> Handlers {
    Handlers::new().with::<Note>(()).with::<Refresh>(()).with::<Call>(())
}

pub(crate) async fn add(pool: &Db, job: &NewJob) -> JobId {
    bellwether_queue::enqueue(pool, job).await.unwrap().id
}

pub(crate) async fn add_all(pool: &Db, jobs: &[NewJob]) -> Vec<JobId> {
    let added = bellwether_queue::enqueue_all(pool, jobs).await.unwrap();
    added.into_iter().map(|a| a.id).collect()
}

pub(crate) async fn state(pool: &Db, id: JobId) -> State {
    inspect::find(pool, id).await.unwrap().expect("the job exists").job.state
}

pub(crate) async fn until_state(pool: &Db, id: JobId, wanted: State) {
    bellwether_testing::wait_until(&format!("job {id} to be {wanted}"), || async {
        (state(pool, id).await == wanted).then_some(())
    })
    .await;
}

pub(crate) fn config(db: &Database, name: &str, queues: &[(&str, usize)]) -> Config {
    Config {
        pool: Db::direct(db.pool()),
        direct: db.options(),
        listen: true,
        name: name.to_owned(),
        version: "test".to_owned(),
        queues: queues
            .iter()
            .map(|(name, concurrency)| QueueConfig {
                name: (*name).to_owned(),
                concurrency: *concurrency,
            })
            .collect(),
        registry: registry(),
    }
}

/// Works a queue by calling `work` for each attempt, in a task of its own.
pub(crate) fn work<F, Fut>(process: &Process, queue: &str, work: F)
where
    F: Fn(Arc<Attempt>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let mut attempts = process.subscribe(queue);
    let work = Arc::new(work);
    tokio::spawn(async move {
        while let Some(attempt) = attempts.recv().await {
            let work = Arc::clone(&work);
            tokio::spawn(async move {
                let outcome = work(Arc::clone(&attempt)).await;
                attempt.finish(outcome);
            });
        }
    });
}

/// A worker made of SQL: it registers, claims and ends attempts, only when called.
pub(crate) struct ByHand {
    pub(crate) pool: Db,
    pub(crate) process: Uuid,
    pub(crate) lease: i64,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Got {
    pub(crate) id: i64,
    pub(crate) lane: String,
    pub(crate) attempt: i16,
    pub(crate) key: Option<String>,
}

/// The call of an attempt: if it was made, if it failed, and what it used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ended {
    pub(crate) used: bool,
    pub(crate) fault: bool,
    pub(crate) tokens: Option<i64>,
    pub(crate) micros: Option<i64>,
}

impl ByHand {
    pub(crate) async fn register(pool: Db) -> Self {
        let process = Uuid::new_v4();
        sqlx::query("insert into queue.process (id, name, version, queues) values ($1, 'by hand', 'test', '{notes,calls}')")
            .bind(process)
            .execute(&pool)
            .await
            .unwrap();
        Self { pool, process, lease: 0 }
    }

    pub(crate) async fn claim(&mut self, queue: &str, limit: i32) -> Vec<Got> {
        self.lease += 1;
        let kinds: Vec<String> = registry().kinds().map(|k| k.name.to_owned()).collect();
        sqlx::query_as("select id, lane, attempt, key from queue.claim($1, $2, $3, $4, $5)")
            .bind(self.process)
            .bind(self.lease)
            .bind(queue)
            .bind(limit)
            .bind(kinds)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    pub(crate) async fn complete(&self, job: i64, used: bool) -> bool {
        self.complete_with_lease(job, self.lease, used).await
    }

    pub(crate) async fn complete_with_lease(&self, job: i64, lease: i64, used: bool) -> bool {
        self.end(job, lease, Ended { used, ..Ended::default() }).await
    }

    pub(crate) async fn end(&self, job: i64, lease: i64, ended: Ended) -> bool {
        let done: Option<i64> =
            sqlx::query_scalar("select * from queue.complete($1, $2, $3, $4, $5, $6, $7, $8)")
                .bind(self.process)
                .bind(vec![job])
                .bind(vec![lease])
                .bind(vec![ended.used])
                .bind(vec![ended.fault])
                .bind(vec![ended.tokens])
                .bind(vec![ended.micros])
                .bind(vec![None::<serde_json::Value>])
                .fetch_optional(&self.pool)
                .await
                .unwrap();
        done.is_some()
    }

    /// Completes the jobs of the last claim, each with a call to a failing service or to a healthy
    /// one.
    pub(crate) async fn end_all(&self, got: &[Got], fault: bool) {
        for job in got {
            let ended = Ended { used: true, fault, ..Ended::default() };
            assert!(self.end(job.id, self.lease, ended).await);
        }
    }

    pub(crate) async fn fail(
        &self,
        job: i64,
        outcome: &str,
        delay: Option<Duration>,
    ) -> Option<String> {
        sqlx::query_scalar(
            "select state from queue.fail($1, array[$2::bigint], array[$3::bigint], array[$4::text], '{null}', '{by hand}', array[$5::interval], '{null}', '{f}', '{f}', '{null}', '{null}')",
        )
        .bind(self.process)
        .bind(job)
        .bind(self.lease)
        .bind(outcome)
        .bind(delay.map(|d| sqlx::postgres::types::PgInterval {
            months: 0,
            days: 0,
            microseconds: d.as_micros() as i64,
        }))
        .fetch_optional(&self.pool)
        .await
        .unwrap()
    }
}

pub(crate) async fn count(pool: &Db, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Counts the jobs in each state, in the tables themselves.
pub(crate) async fn counted(pool: &Db) -> HashMap<String, i64> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select state, count(*) from queue.job group by 1")
            .fetch_all(pool)
            .await
            .unwrap();
    rows.into_iter().collect()
}

/// Moves every job that no longer waits for others.
pub(crate) async fn release(pool: &Db) {
    while sqlx::query_scalar::<_, i32>("select queue.release_unblocked()")
        .fetch_one(pool)
        .await
        .unwrap()
        > 0
    {}
}

/// Rechecks every edge now, due or not, and moves the jobs that are released.
pub(crate) async fn check_edges(pool: &Db) {
    recheck_edges(pool).await;
    release(pool).await;
}

pub(crate) async fn recheck_edges(pool: &Db) {
    sqlx::query("update queue.edge_recheck set next_check_at = clock_timestamp()")
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("select queue.recheck_edges()").execute(pool).await.unwrap();
}

/// Rechecks every edge until none has to be checked again: until the transactions under way,
/// including those of other tests on this server, are over.
pub(crate) async fn settle_edges(pool: &Db) {
    bellwether_testing::wait_until("every edge to be settled", || async {
        check_edges(pool).await;
        (count(pool, "select count(*) from queue.edge_recheck").await == 0).then_some(())
    })
    .await;
}

/// Adds a job that waits in a queue of its own, so that claims of other queues do not take it.
pub(crate) async fn add_after(pool: &Db, parents: &[JobId], on_failure: OnFailure) -> JobId {
    add(pool, &call("child").after(parents, on_failure)).await
}

pub(crate) async fn complete_in(tx: &mut sqlx::PgConnection, hand: &ByHand, job: JobId) {
    let done: Option<i64> = sqlx::query_scalar(
        "select job from queue.complete($1, $2, $3, '{f}', '{f}', '{null}', '{null}', '{null}')",
    )
    .bind(hand.process)
    .bind(vec![job.0])
    .bind(vec![hand.lease])
    .fetch_optional(tx)
    .await
    .unwrap();
    assert_eq!(done, Some(job.0));
}

/// Moves the marks from which the calls of keys are read, as maintenance does each few seconds, until
/// they are past every transaction so far: past those of other tests on this server.
pub(crate) async fn move_call_marks(pool: &Db) {
    let now = count(pool, "select pg_current_xact_id()::text::bigint").await;
    bellwether_testing::wait_until("the marks to move", || async {
        fold_keys(pool).await;
        let moved = "select least(running, settlement) from queue.call_mark";
        (count(pool, moved).await > now).then_some(())
    })
    .await;
}

/// Folds settlements and moves the marks as far as they go.
pub(crate) async fn fold_keys(pool: &Db) {
    sqlx::query("update queue.call_mark set moved_at = 'epoch'").execute(pool).await.unwrap();
    sqlx::query("select queue.fold_keys()").execute(pool).await.unwrap();
}

/// Dice for a random test. Prints their seed; the variable `QUEUE_SEED` gives one.
#[expect(clippy::disallowed_methods, reason = "given to a test by hand")]
pub(crate) fn seeded() -> StdRng {
    let given = std::env::var("QUEUE_SEED").ok();
    let given = given.map(|seed| seed.parse().expect("QUEUE_SEED is a number up to 2^64"));
    let seed = given.unwrap_or_else(|| rand::rng().random());
    println!("seed {seed}: repeat with QUEUE_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
