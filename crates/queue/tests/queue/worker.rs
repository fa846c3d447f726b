//! Kinds as a program writes them: arguments apart from the work, outputs, limits, and a worker's life.

use std::{borrow::Cow, time::Duration};

use crate::support::*;
use bellwether_queue::{
    Attempt, Error, Failure, Job, JobArgs, JobId, OnFailure, Registry, State, Worker, batch,
    enqueue, inspect,
    limits::{self, Counts, LaneKey, Limit},
    output,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Returns twice its number, in the lane of its parity.
#[derive(Clone, Serialize, Deserialize)]
struct Double {
    n: i64,
}

impl JobArgs for Double {
    const KIND: &'static str = "double";
    const QUEUE: &'static str = "numbers";

    fn lane(&self) -> Cow<'static, str> {
        if self.n % 2 == 0 { "even".into() } else { "odd".into() }
    }
}

impl Job for Double {
    type Context = ();
    type Output = i64;

    async fn run(self, (): (), _: &Attempt) -> Result<i64, Failure> {
        if self.n < 0 { Err(Failure::discard("it is negative")) } else { Ok(self.n * 2) }
    }
}

/// Adds up the outputs of its parents, in the transaction that completes it.
#[derive(Serialize, Deserialize)]
struct Sum {
    of: Vec<JobId>,
}

impl JobArgs for Sum {
    const KIND: &'static str = "sum";
    const QUEUE: &'static str = "numbers";
}

impl Job for Sum {
    type Context = Db;
    type Output = i64;

    async fn run(self, db: Db, attempt: &Attempt) -> Result<i64, Failure> {
        let mut sum = 0;
        for id in self.of {
            sum += output::<Double>(&db, id).await?.unwrap_or_default();
        }
        attempt.record_output(&sum)?;
        let mut tx = db.begin().await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(sum)
    }
}

/// A provider that answers with 429 the first time.
#[derive(Serialize, Deserialize)]
struct Fetch {
    lane: String,
}

impl JobArgs for Fetch {
    const KIND: &'static str = "fetch";
    const QUEUE: &'static str = "numbers";

    fn lane(&self) -> Cow<'static, str> {
        self.lane.clone().into()
    }
}

impl Job for Fetch {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), attempt: &Attempt) -> Result<(), Failure> {
        Err(attempt.rate_limited(Duration::from_mins(5)).await)
    }
}

/// More than is kept.
#[derive(Serialize, Deserialize)]
struct Chatter {}

impl JobArgs for Chatter {
    const KIND: &'static str = "chatter";
    const QUEUE: &'static str = "numbers";
    const MAX_ATTEMPTS: u16 = 1;
}

impl Job for Chatter {
    type Context = ();
    type Output = String;

    async fn run(self, (): (), _: &Attempt) -> Result<String, Failure> {
        Ok("x".repeat(70_000))
    }
}

/// A worker of the numbers, until it is told to stop.
fn work(db: &Db) -> (CancellationToken, tokio::task::JoinHandle<Result<(), Error>>) {
    let stop = CancellationToken::new();
    let worker = Worker::new(db.clone())
        .register::<Double>()
        .register::<Sum>()
        .register_with::<Fetch>(())
        .register::<Chatter>()
        .queue("numbers", 4)
        .named("numbers@test", "1.0")
        .grace(Duration::from_secs(5));
    let stopped = stop.clone();
    (stop, tokio::spawn(async move { worker.run(stopped.cancelled()).await }))
}

#[tokio::test]
async fn a_job_returns_a_value_that_its_dependants_read() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let three = enqueue(&db, Double { n: 3 }).await.unwrap().id;
    let four = enqueue(&db, Double { n: 4 }.priority(0)).await.unwrap().id;
    let of = vec![three, four];
    let sum = Sum { of: of.clone() }.after(&of, OnFailure::Cascade);
    let sum = enqueue(&db, sum).await.unwrap().id;
    let (stop, worker) = work(&db);
    until_state(&db, sum, State::Completed).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    assert_eq!(output::<Double>(&db, three).await.unwrap(), Some(6));
    assert_eq!(output::<Sum>(&db, sum).await.unwrap(), Some(14), "completed in a transaction");
    assert_eq!(output::<Sum>(&db, three).await.unwrap(), None, "it is of another kind");
    assert!(matches!(output::<Chatter>(&db, three).await, Ok(None)));
}

#[tokio::test]
async fn the_outputs_of_a_batch_are_read_together() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let members = [1, 2, 3, -4].map(|n| Double { n });
    let new = batch::NewBatch::new("doubles").jobs(members).then(Sum { of: Vec::new() });
    let mut tx = db.begin().await.unwrap();
    let started = batch::start(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    let (stop, worker) = work(&db);
    until_state(&db, started.then.unwrap().id, State::Completed).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    let outputs = batch::outputs::<Double>(&db, started.id).await.unwrap();
    let ids: Vec<_> = started.jobs.iter().map(|job| job.id).collect();
    assert_eq!(outputs, [(ids[0], 2), (ids[1], 4), (ids[2], 6)], "a discarded member has none");
}

#[tokio::test]
async fn an_output_that_is_too_large_fails_the_attempt_and_says_so() {
    let database = database().await;
    let db = Db::direct(database.pool());
    let id = enqueue(&db, Chatter {}).await.unwrap().id;
    let (stop, worker) = work(&db);
    until_state(&db, id, State::Discarded).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    let error = inspect::find(&db, id).await.unwrap().unwrap().attempts[0].error.clone();
    let wanted =
        format!("the output of job {id}: it has 70002 bytes of JSON, and 65536 at most are kept");
    assert_eq!(error, Some(wanted));
}

#[tokio::test]
async fn a_rate_limited_attempt_stops_its_key_and_is_given_back() {
    let database = database().await;
    let db = Db::direct(database.pool());
    limits::define(&db, &Limit::new("vendor", Counts::Finish)).await.unwrap();
    limits::set_lane(&db, "numbers", "vendor", &[LaneKey::new("vendor")]).await.unwrap();
    let limited = enqueue(&db, Fetch { lane: "vendor".to_owned() }).await.unwrap().id;
    let free = enqueue(&db, Fetch { lane: "free".to_owned() }).await.unwrap().id;
    let (stop, worker) = work(&db);
    until_state(&db, limited, State::Parked).await;
    until_state(&db, free, State::Scheduled).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    let key = inspect::limits(&db).await.unwrap().remove(0);
    assert!(key.parked_until.is_some());
    assert_eq!(key.parked_why.as_deref(), Some("rate limited: retry after 300 s"));
    let detail = inspect::find(&db, limited).await.unwrap().unwrap();
    assert_eq!((detail.job.attempt, detail.attempts.len()), (0, 1), "given back after one run");
}

#[tokio::test]
async fn a_job_is_added_on_a_pool_and_in_a_transaction_in_the_lane_of_its_arguments() {
    let database = database().await;
    let (pool, db): (PgPool, Db) = (database.pool(), Db::direct(database.pool()));
    let alone = enqueue(&pool, Double { n: 3 }).await.unwrap().id;
    let mut tx = pool.begin().await.unwrap();
    let undone = enqueue(&mut *tx, Double { n: 4 }).await.unwrap().id;
    tx.rollback().await.unwrap();
    let elsewhere = enqueue(&db, Double { n: 5 }.in_lane("any").tag("x")).await.unwrap().id;
    let lane = async |id| inspect::find(&db, id).await.unwrap().map(|found| found.job.lane);
    assert_eq!(lane(alone).await.as_deref(), Some("odd"));
    assert_eq!(lane(undone).await, None);
    assert_eq!(lane(elsewhere).await.as_deref(), Some("any"));
}

#[tokio::test]
async fn arguments_that_are_no_json_are_refused_when_the_job_is_added() {
    #[derive(Serialize, Deserialize)]
    struct Pair {
        by_pair: std::collections::HashMap<(u8, u8), u8>,
    }
    impl JobArgs for Pair {
        const KIND: &'static str = "pair";
        const QUEUE: &'static str = "numbers";
    }
    let database = database().await;
    let db = Db::direct(database.pool());
    let pair = Pair { by_pair: [((1, 2), 3)].into() };
    let refused = enqueue(&db, pair).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "the args of a pair job: they cannot be written as JSON: key must be a string"
    );
    assert_eq!(count(&db, "select count(*) from queue.job").await, 0);
}

#[tokio::test]
async fn a_kind_without_a_schema_takes_what_can_be_read() {
    let registry = Registry::new().with::<Double>();
    assert!(registry.get("double").unwrap().schema().is_none());
    let job = registry.job("double", &serde_json::json!({"n": 4, "more": 1})).unwrap();
    assert_eq!((job.lane.as_str(), &job.args["n"]), ("even", &Value::from(4)));
    assert!(registry.job("double", &serde_json::json!({"n": "four"})).is_err());
}
