//! Jobs for tests, a database with the queue's schema, and claims made by hand.
#![expect(dead_code, reason = "each test file uses its own part")]

use std::{collections::HashMap, sync::Arc, time::Duration};

pub(crate) use bellwether_queue::Db;
use bellwether_queue::{
    Attempt, Config, Failure, Handlers, Holds, Job, JobId, MIGRATOR, NewJob, Outcome, Process,
    QueueConfig, Registry, State, inspect,
};
use bellwether_testing::Database;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Does nothing; its unique key holds until it is pruned.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) text: String,
}

impl Job for Note {
    const KIND: &'static str = "note";
    const QUEUE: &'static str = "notes";
    type Context = ();
    fn unique_key(&self) -> Option<String> {
        self.text.strip_prefix("unique ").map(str::to_owned)
    }
    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

/// Reads current state: its key holds until it is claimed.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug)]
pub(crate) struct Refresh {
    pub(crate) what: String,
}

impl Job for Refresh {
    const KIND: &'static str = "refresh";
    const QUEUE: &'static str = "notes";
    const HOLDS: Holds = Holds::UntilClaimed;
    type Context = ();
    fn unique_key(&self) -> Option<String> {
        Some(self.what.clone())
    }
    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

/// Waits in a limited lane.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug)]
pub(crate) struct Call {
    pub(crate) lane: String,
}

impl Job for Call {
    const KIND: &'static str = "call";
    const QUEUE: &'static str = "calls";
    const LANE: &'static str = "limited";
    type Context = ();
    async fn run(self, (): (), _attempt: &Attempt) -> Result<(), Failure> {
        Ok(())
    }
}

pub(crate) fn note(text: &str) -> NewJob {
    NewJob::of(&Note { text: text.to_owned() }).unwrap()
}

pub(crate) fn call(lane: &str) -> NewJob {
    let mut job = NewJob::of(&Call { lane: lane.to_owned() }).unwrap();
    lane.clone_into(&mut job.lane);
    job
}

pub(crate) async fn database() -> Database {
    bellwether_testing::database(&[&MIGRATOR]).await
}

pub(crate) fn registry() -> Registry {
    handlers().registry().clone()
}

pub(crate) fn handlers() -> Handlers<()> {
    Handlers::new(()).with::<Note>().with::<Refresh>().with::<Call>()
}

pub(crate) async fn add(pool: &Db, job: &NewJob) -> JobId {
    let mut conn = pool.pool().acquire().await.unwrap();
    bellwether_queue::add(&mut conn, job).await.unwrap().id
}

pub(crate) async fn add_all(pool: &Db, jobs: &[NewJob]) -> Vec<JobId> {
    let mut conn = pool.pool().acquire().await.unwrap();
    let added = bellwether_queue::add_all(&mut conn, jobs).await.unwrap();
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

/// Works a queue by calling `work` for each attempt, on a task of its own.
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
                attempt.settle(outcome);
            });
        }
    });
}

/// A worker made of SQL: it registers, claims and ends, and does nothing by itself.
pub(crate) struct ByHand {
    pub(crate) pool: Db,
    pub(crate) process: Uuid,
    pub(crate) lease: i64,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Got {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) lane: String,
    pub(crate) attempt: i16,
    pub(crate) key: Option<String>,
}

/// How a call went.
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
        sqlx::query_as(
            "select id, kind, lane, attempt, key from queue.claim_v2($1, $2, $3, $4, $5)",
        )
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
            sqlx::query_scalar("select * from queue.complete_v2($1, $2, $3, $4, $5, $6, $7, $8)")
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

    /// Completes what the last claim gave, each with a call that met a failing service or not.
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
            "select queue.fail_v2($1, $2, $3, $4, 'by hand', $5, null, false, false, null, null)",
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
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }
}

pub(crate) async fn count(pool: &Db, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// How many jobs stand in each state, counted in the tables themselves.
pub(crate) async fn counted(pool: &Db) -> HashMap<String, i64> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select state, count(*) from queue.job group by 1")
            .fetch_all(pool)
            .await
            .unwrap();
    rows.into_iter().collect()
}
