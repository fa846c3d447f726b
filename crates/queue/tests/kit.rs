//! The test kit: jobs run inline, what was enqueued, and time that passes when told to.
mod support;

use std::{panic::AssertUnwindSafe, time::Duration};

use bellwether_queue::{
    Attempt, Failure, Handlers, Job, State, enqueue,
    limits::{self, Counts, LaneKey, Limit, Window},
    schedule::{self, Missed, Schedule},
    testing::{self, Inline, assert_enqueued, enqueued, refute_enqueued},
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Executor;
use support::*;

/// Plants so many of itself, one smaller, and fails as it is told.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug, PartialEq)]
struct Tree {
    height: u8,
    fail: Option<String>,
}

impl Job for Tree {
    const KIND: &'static str = "tree";
    const QUEUE: &'static str = "notes";
    const MAX_ATTEMPTS: u16 = 2;
    type Context = Db;
    fn backoff(_: u16) -> Option<Duration> {
        Some(Duration::from_hours(3))
    }
    async fn run(self, db: Db, attempt: &Attempt) -> Result<(), Failure> {
        match self.fail.as_deref() {
            Some("panic") => panic!("the ground shakes"),
            Some("snooze") => return Err(Failure::snooze(Duration::from_hours(8), "it is winter")),
            Some(reason) => return Err(Failure::retry(reason.to_owned())),
            None => {}
        }
        let mut tx = db.begin().await.map_err(Failure::retry)?;
        for _ in 0..self.height {
            let seed = Self { height: self.height - 1, fail: None };
            attempt.enqueue(&mut tx, &seed).await.map_err(Failure::retry)?;
        }
        attempt.complete_in(&mut tx).await.map_err(Failure::retry)?;
        tx.commit().await.map_err(Failure::retry)
    }
}

fn tree(height: u8) -> Tree {
    Tree { height, fail: None }
}

fn failing(how: &str) -> Tree {
    Tree { height: 0, fail: Some(how.to_owned()) }
}

async fn inline(db: &bellwether_testing::Database) -> (Db, Inline<Db>) {
    let pool = Db::direct(db.pool());
    let inline = Inline::new(&pool, Handlers::new(pool.clone()).with::<Tree>()).await.unwrap();
    (pool, inline)
}

async fn panic_of(what: impl Future<Output = ()>) -> String {
    let panic = AssertUnwindSafe(what).catch_unwind().await.expect_err("it panics");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_was_enqueued_is_found_by_kind_and_by_the_arguments_that_are_named() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tx = pool.begin().await.unwrap();
    let id = enqueue(&mut tx, &tree(3)).await.unwrap().id;
    assert_eq!(assert_enqueued(&mut *tx, "tree", json!({"height": 3})).await, id);
    refute_enqueued(&pool, "tree", json!({})).await;
    tx.commit().await.unwrap();

    assert_eq!(assert_enqueued(&pool, "tree", json!({})).await, id);
    assert_eq!(enqueued::<Tree>(&pool).await, [tree(3)]);
    let missed = panic_of(async {
        assert_enqueued(&pool, "tree", json!({"height": 4})).await;
    })
    .await;
    assert!(missed.contains("kit.rs"), "the caller's line is named: {missed}");
    assert!(missed.contains(r#""height":3"#), "and what waits instead: {missed}");
    let found = panic_of(refute_enqueued(&pool, "tree", json!({"height": 3}))).await;
    assert!(found.contains("kit.rs") && found.contains(&id.to_string()), "{found}");
}

#[tokio::test]
async fn a_job_runs_inline_and_its_outcome_is_the_databases() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let ran = inline.run(&tree(2)).await.unwrap();
    assert_eq!((ran.state, ran.attempt, ran.error), (State::Completed, 1, None));
    assert_eq!(enqueued::<Tree>(&pool).await, [tree(1), tree(1)], "its children wait");

    let failed = inline.run(&failing("no rain")).await;
    // The children were there first, and ran.
    let failed = failed.unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (State::Retryable, Some("no rain")));
    let panicked = inline.run(&failing("panic")).await.unwrap();
    assert_eq!(panicked.state, State::Retryable);
    assert!(panicked.error.unwrap().contains("the ground shakes"));
}

#[tokio::test]
async fn a_drain_runs_everything_and_what_that_adds() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let mut tx = pool.begin().await.unwrap();
    enqueue(&mut tx, &tree(4)).await.unwrap();
    tx.commit().await.unwrap();
    let ran = inline.drain().await.unwrap();
    assert_eq!(ran.len(), 1 + 4 + 4 * 3 + 4 * 3 * 2 + 4 * 3 * 2);
    assert!(ran.iter().all(|one| one.state == State::Completed));
    assert_eq!(counted(&pool).await, [("completed".to_owned(), 65)].into());
    assert!(inline.drain().await.unwrap().is_empty());
}

#[tokio::test]
async fn time_passes_when_it_is_told_to() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let mut tomorrow = bellwether_queue::NewJob::of(&tree(0)).unwrap();
    tomorrow.due_at = Some(schedule::now(&pool).await.unwrap() + TimeDelta::hours(24));
    let tomorrow = add(&pool, &tomorrow).await;
    let snoozed = inline.run(&failing("snooze")).await.unwrap();
    let failed = inline.run(&failing("no rain")).await.unwrap();
    assert!(inline.drain().await.unwrap().is_empty());

    inline.advance(Duration::from_hours(3)).await.unwrap();
    let ran = inline.drain().await.unwrap();
    assert_eq!(ran.len(), 1, "the backoff is over");
    assert_eq!((ran[0].job, ran[0].attempt, ran[0].state), (failed.job, 2, State::Discarded));
    inline.advance(Duration::from_hours(5)).await.unwrap();
    let ran = inline.drain().await.unwrap();
    assert_eq!((ran[0].job, ran[0].attempt), (snoozed.job, 1), "snoozing spent nothing");
    inline.advance(Duration::from_hours(16)).await.unwrap();
    let ran = inline.drain().await.unwrap();
    assert_eq!(ran.iter().map(|one| one.job).collect::<Vec<_>>(), [tomorrow, snoozed.job]);
}

#[tokio::test]
async fn windows_empty_and_parked_keys_return_as_time_passes() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit =
        Limit::new("k", Counts::Finish).window(Window::requests(2, Duration::from_hours(1)));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "limited", &[LaneKey::new("k")]).await.unwrap();
    add_all(&pool, &vec![call("limited"); 5]).await;
    let mut inline = Inline::new(&pool, Handlers::new(()).with::<Paid>()).await.unwrap();
    assert_eq!(inline.drain().await.unwrap().len(), 2);
    inline.advance(Duration::from_mins(59)).await.unwrap();
    assert_eq!(inline.drain().await.unwrap().len(), 0);
    inline.advance(Duration::from_mins(2)).await.unwrap();
    assert_eq!(inline.drain().await.unwrap().len(), 2);

    pool.execute("update queue.limit_key set parked_until = clock_timestamp() + interval '1 day'")
        .await
        .unwrap();
    inline.advance(Duration::from_hours(23)).await.unwrap();
    assert_eq!(inline.drain().await.unwrap().len(), 0);
    inline.advance(Duration::from_hours(2)).await.unwrap();
    assert_eq!(inline.drain().await.unwrap().len(), 1);
}

/// Makes one request under its key.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema, Debug)]
struct Paid {
    lane: String,
}

impl Job for Paid {
    const KIND: &'static str = "call";
    const QUEUE: &'static str = "calls";
    type Context = ();
    async fn run(self, (): (), attempt: &Attempt) -> Result<(), Failure> {
        attempt.take_permit().await.map_err(Failure::retry)?.map_err(Failure::throttle)
    }
}

#[tokio::test]
async fn a_schedule_is_run_by_hand() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let nightly = Schedule {
        name: "nightly".into(),
        cron: "20 3 * * *".into(),
        zone: "UTC".into(),
        kind: Tree::KIND.into(),
        args: json!({"height": 0}),
        slot: None,
        missed: Missed::Skip,
    };
    schedule::define(&pool, &nightly).await.unwrap();
    let id = inline.tick("nightly").await.unwrap();
    assert_eq!(inline.drain().await.unwrap()[0].job, id);
}

/// A column that time should move and does not would make a test wait for nothing.
#[tokio::test]
async fn time_moves_every_time_that_the_queue_compares_with_its_clock() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("x")).await;
    let before: Vec<(String, i64)> = ages(&pool).await;
    testing::advance(&pool, Duration::from_hours(1)).await.unwrap();
    let after = ages(&pool).await;
    for ((table, before), (_, after)) in before.iter().zip(&after) {
        let moved = (after - before - 3600).abs() < 60;
        assert!(moved, "{table} has aged by {} s", after - before);
    }
    assert!(before.len() >= 2, "{before:?}");
}

async fn ages(pool: &Db) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select 'ready.available_at', extract(epoch from clock_timestamp() - available_at)::bigint from queue.ready
        union all
        select 'ready.created_at', extract(epoch from clock_timestamp() - created_at)::bigint from queue.ready
        order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}
