//! Lanes of one queue do not affect each other, and a claim locks only the jobs that it takes.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::limits::{self, Counts, LaneKey, Limit, Window};
use sqlx::Executor;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_hours(1);
const START: Counts = Counts::Start { guard: Duration::ZERO };

/// Waiting jobs that a transaction has locked or deleted.
const LOCKED: &str = "select count(*) from queue.ready where xmax <> 0";

async fn fill(pool: &Db, lanes: usize, jobs: usize) {
    let all: Vec<_> = (0..lanes * jobs).map(|i| call(&format!("l{}", i % lanes))).collect();
    add_all(pool, &all).await;
}

#[tokio::test]
async fn a_claim_locks_only_the_jobs_it_takes_and_leaves_the_others_to_the_next() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    fill(&pool, 20, 20).await;
    let (one, two) = (ByHand::register(pool.clone()).await, ByHand::register(pool.clone()).await);
    let claim = "select id from queue.claim($1, 1, 'calls', 100, '{call}')";
    let mut tx = pool.begin().await.unwrap();
    let first: Vec<i64> =
        sqlx::query_scalar(claim).bind(one.process).fetch_all(&mut *tx).await.unwrap();
    assert_eq!(first, (1..=100).collect::<Vec<i64>>(), "the first of all lanes, in order");
    assert_eq!(count(&pool, LOCKED).await, 100);
    let second: Vec<i64> =
        sqlx::query_scalar(claim).bind(two.process).fetch_all(&pool).await.unwrap();
    assert_eq!(second, (101..=200).collect::<Vec<i64>>());
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_claim_over_many_lanes_takes_the_first_jobs_however_they_are_spread() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut jobs = Vec::new();
    for i in 0..300_usize {
        // most of them in one lane, which holds the first of each priority
        let mut job = call(&if i % 3 == 0 { format!("l{}", i % 40) } else { "hot".to_owned() });
        job.priority = u8::try_from(i % 7).unwrap();
        jobs.push(job);
    }
    let ids = add_all(&pool, &jobs).await;
    let mut wanted: Vec<_> = jobs.iter().zip(&ids).map(|(j, id)| (j.priority, id.0)).collect();
    wanted.sort_unstable();
    let mut hand = ByHand::register(pool.clone()).await;
    let mut got = Vec::new();
    for n in [1, 2, 50, 7, 100, 500] {
        got.extend(hand.claim("calls", n).await.into_iter().map(|g| g.id));
    }
    assert_eq!(got, wanted.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lane_whose_tokens_or_shares_are_used_up_has_none_of_its_jobs_locked() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let tokens = Limit::new("tokens", START)
        .window(Window::requests(100_000, HOUR))
        .window(Window::tokens(1_000, HOUR));
    let shared = Limit::new("share", START).window(Window::requests(40, HOUR)).reserve(0.5, 0);
    limits::define(&pool, &tokens).await.unwrap();
    limits::define(&pool, &shared).await.unwrap();
    let tokens = LaneKey::new("tokens").reserve(1_000, 0);
    limits::set_lane(&pool, "calls", "l0", &[tokens]).await.unwrap();
    limits::set_lane(&pool, "calls", "l1", &[LaneKey::new("share")]).await.unwrap();
    fill(&pool, 2, 100).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 100).await.len(), 1 + 20);
    assert_eq!(count(&pool, LOCKED).await, 0, "jobs that were passed over");
    assert!(hand.claim("calls", 100).await.is_empty());
    assert_eq!(count(&pool, LOCKED).await, 0);
}

#[tokio::test]
async fn a_free_lane_waits_for_no_key_of_its_queue() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for key in ["parked", "full", "held"] {
        let limit = Limit::new(key, START).window(Window::requests(1, HOUR));
        limits::define(&pool, &limit).await.unwrap();
        limits::set_lane(&pool, "calls", key, &[LaneKey::new(key)]).await.unwrap();
    }
    add_all(&pool, &["parked", "full", "full", "held"].map(call)).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let mut tx = pool.begin().await.unwrap();
    limits::park(&mut tx, "parked", HOUR, "x").await.unwrap();
    limits::park(&mut tx, "held", HOUR, "x").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 9).await.len(), 1, "of the key that has one");
    hand.claim("calls", 9).await; // it finds the key full

    let mut tx = pool.begin().await.unwrap();
    tx.execute("select from queue.limit_key order by id for update").await.unwrap();
    for _ in 0..3 {
        let free = add(&pool, &call("free")).await;
        let got = timeout(Duration::from_secs(3), hand.claim("calls", 1)).await.expect("at once");
        assert_eq!(got.iter().map(|g| g.id).collect::<Vec<_>>(), [free.0]);
    }
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_key_found_full_is_read_again_as_soon_as_it_may_serve() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", START).window(Window::requests(2, HOUR));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "k", &[LaneKey::new("k")]).await.unwrap();
    add_all(&pool, &(0..9).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 9).await.len(), 2);
    assert!(hand.claim("calls", 9).await.is_empty());
    // a higher amount for a while
    let mut tx = pool.begin().await.unwrap();
    limits::override_window(&mut tx, "k", 0, Some((3, HOUR))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 9).await.len(), 1);
    assert!(hand.claim("calls", 9).await.is_empty());
    // another definition
    limits::define(&pool, &Limit::new("k", START).window(Window::requests(9, HOUR / 2)))
        .await
        .unwrap();
    let mut tx = pool.begin().await.unwrap();
    limits::override_window(&mut tx, "k", 0, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 2).await.len(), 2);
    // and the passing of time
    bellwether_queue::testing::advance(&pool, HOUR).await.unwrap();
    assert_eq!(hand.claim("calls", 9).await.len(), 4);
}
