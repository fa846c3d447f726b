//! The test kit: jobs run inline, assertions on enqueued jobs, and time that a test advances.

use std::{panic::AssertUnwindSafe, time::Duration};

use crate::support::*;
use bellwether_queue::{
    Attempt, Failure, Handlers, Job, JobArgs, NewJob, OnFailure, State,
    batch::{self, BatchState, NewBatch},
    enqueue,
    limits::{self, Counts, LaneKey, Limit, Window},
    schedule::{self, Missed, Schedule},
    testing::{self, Inline, assert_enqueued, enqueued, refute_enqueued},
};
use chrono::TimeDelta;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Executor;

/// Adds so many smaller jobs of its kind, and fails if told to.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq)]
struct Tree {
    height: u8,
    fail: Option<String>,
}

impl JobArgs for Tree {
    const KIND: &'static str = "tree";
    const QUEUE: &'static str = "notes";
    const MAX_ATTEMPTS: u16 = 2;

    fn backoff(_: u16) -> Option<Duration> {
        Some(Duration::from_hours(3))
    }
}

impl Job for Tree {
    type Context = Db;
    type Output = ();

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
            attempt.enqueue(&mut tx, seed).await.map_err(Failure::retry)?;
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

async fn inline(db: &bellwether_testing::Database) -> (Db, Inline) {
    let pool = Db::direct(db.pool());
    let inline = Inline::new(&pool, Handlers::new().with::<Tree>(pool.clone())).await.unwrap();
    (pool, inline)
}

async fn panic_of(what: impl Future<Output = ()>) -> String {
    let panic = AssertUnwindSafe(what).catch_unwind().await.expect_err("it panics");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn enqueued_jobs_are_found_by_kind_and_by_the_arguments_that_are_named() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut tx = pool.begin().await.unwrap();
    let id = enqueue(&mut *tx, tree(3)).await.unwrap().id;
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
async fn a_job_runs_inline_and_its_outcome_is_stored() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let ran = inline.run(tree(2)).await.unwrap();
    assert_eq!((ran.state, ran.attempt, ran.error), (State::Completed, 1, None));
    assert_eq!(enqueued::<Tree>(&pool).await, [tree(1), tree(1)], "its children wait");

    let failed = inline.run(failing("no rain")).await;
    // The children were there first, and ran.
    let failed = failed.unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (State::Retryable, Some("no rain")));
    let panicked = inline.run(failing("panic")).await.unwrap();
    assert_eq!(panicked.state, State::Retryable);
    assert!(panicked.error.unwrap().contains("the ground shakes"));
}

#[tokio::test]
async fn a_drain_runs_every_job_and_those_that_they_add() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let mut tx = pool.begin().await.unwrap();
    enqueue(&mut *tx, tree(4)).await.unwrap();
    tx.commit().await.unwrap();
    let ran = inline.drain().await.unwrap();
    assert_eq!(ran.len(), 1 + 4 + 4 * 3 + 4 * 3 * 2 + 4 * 3 * 2);
    assert!(ran.iter().all(|one| one.state == State::Completed));
    assert_eq!(counted(&pool).await, [("completed".to_owned(), 65)].into());
    assert!(inline.drain().await.unwrap().is_empty());
}

#[tokio::test]
async fn advance_lets_time_pass() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let mut tomorrow = bellwether_queue::NewJob::of(&tree(0));
    tomorrow.due_at = Some(schedule::now(&pool).await.unwrap() + TimeDelta::hours(24));
    let tomorrow = add(&pool, &tomorrow).await;
    let snoozed = inline.run(failing("snooze")).await.unwrap();
    let failed = inline.run(failing("no rain")).await.unwrap();
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
    let mut inline = Inline::new(&pool, Handlers::new().with::<Paid>(())).await.unwrap();
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
#[derive(Clone, Serialize, Deserialize, Debug)]
struct Paid {
    lane: String,
}

impl JobArgs for Paid {
    const KIND: &'static str = "call";
    const QUEUE: &'static str = "calls";
}

impl Job for Paid {
    type Context = ();
    type Output = ();

    async fn run(self, (): (), attempt: &Attempt) -> Result<(), Failure> {
        Ok(attempt.take_permit().await?)
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
    let next = inline.tick("nightly").await.unwrap();
    assert_ne!(next, id, "the tick of the night after");
    let ticks: Vec<String> = sqlx::query_scalar(
        "select to_char(fire_at at time zone 'UTC', 'HH24:MI') from queue.tick order by job",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(ticks, ["03:20", "03:20"]);
}

#[tokio::test]
async fn a_tick_of_a_certain_time_stands_for_its_slot_and_is_made_once() {
    let db = database().await;
    let (pool, inline) = inline(&db).await;
    let half_hour = Duration::from_mins(30);
    let round = Schedule::of("round", "*/30 * * * *", "UTC", &tree(0)).unwrap().slot(half_hour);
    schedule::define(&pool, &round).await.unwrap();
    let noon = bellwether_testing::at("2026-03-02T12:00:00Z");
    let mut by_hand = NewJob::of(&tree(0));
    by_hand.unique_key = Some(schedule::slot_key(half_hour, noon + TimeDelta::minutes(7)));
    let by_hand = add(&pool, &by_hand).await;
    assert_eq!(inline.tick_at("round", noon).await.unwrap(), by_hand);
    let later = inline.tick_at("round", noon + TimeDelta::minutes(30)).await.unwrap();
    assert_ne!(later, by_hand);
    assert_eq!(inline.tick_at("round", noon + TimeDelta::minutes(30)).await.unwrap(), later);
    assert_eq!(enqueued::<Tree>(&pool).await.len(), 2);
}

#[tokio::test]
async fn jobs_that_wait_for_others_and_the_job_of_a_batch_run_inline() {
    let db = database().await;
    let (pool, mut inline) = inline(&db).await;
    let parent = add(&pool, &NewJob::of(&tree(0))).await;
    let child = NewJob::of(&tree(1)).after(&[parent], OnFailure::Cascade);
    let child = add(&pool, &child).await;
    let doomed = add(&pool, &NewJob { max_attempts: 1, ..NewJob::of(&failing("rot")) }).await;
    let orphan = NewJob::of(&tree(5)).after(&[doomed], OnFailure::Cascade);
    let orphan = add(&pool, &orphan).await;
    let grove = NewBatch::new("grove")
        .jobs((0..3).map(|_| NewJob::of(&tree(0))))
        .then(NewJob::of(&tree(0)).tag("last"));
    let mut tx = pool.begin().await.unwrap();
    let grove = batch::start(&mut tx, &grove).await.unwrap();
    tx.commit().await.unwrap();

    let ran: Vec<_> = inline.drain().await.unwrap().iter().map(|one| one.job.0).collect();
    let place = |id: i64| ran.iter().position(|one| *one == id);
    assert!(place(parent.0) < place(child.0) && place(child.0).is_some(), "{ran:?}");
    assert_eq!(place(orphan.0), None);
    assert_eq!(state(&pool, orphan).await, State::Cancelled);
    assert!(grove.jobs.iter().all(|one| place(one.id.0) < place(grove.id.0)), "{ran:?}");
    let progress = batch::progress(&pool, grove.id).await.unwrap().unwrap();
    assert_eq!((progress.state, progress.done), (BatchState::Completed, 3));
}

#[tokio::test]
async fn a_waiting_job_is_returned_as_it_was_added() {
    let db = database().await;
    let (pool, _) = inline(&db).await;
    let tomorrow = schedule::now(&pool).await.unwrap() + TimeDelta::hours(24);
    let job = NewJob::of(&tree(3)).at(tomorrow).priority(2).tag("oak");
    let id = add(&pool, &NewJob { unique_key: Some("k".into()), ..job }).await;
    let waits = testing::jobs::<Tree>(&pool).await.pop().unwrap();
    assert_eq!((waits.id, &waits.job, waits.state), (id, &tree(3), State::Scheduled));
    assert_eq!((waits.queue.as_str(), waits.lane.as_str()), ("notes", "default"));
    assert_eq!((waits.priority, waits.max_attempts), (2, 2));
    assert_eq!(waits.due_at.map(|at| at.timestamp()), Some(tomorrow.timestamp()));
    assert_eq!(
        (waits.unique_key.as_deref(), waits.tags.as_slice()),
        (Some("k"), &["oak".to_owned()][..])
    );
}

/// A time that `advance` missed would make a test wait in vain.
#[tokio::test]
async fn advance_moves_every_time_that_is_compared_with_the_clock() {
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
