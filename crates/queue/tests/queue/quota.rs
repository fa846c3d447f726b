//! Further calls, lost calls and reserves: usage of a key's windows beyond the claim.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    inspect,
    limits::{self, Breaker, Counts, LaneKey, Limit, Window},
};
use bellwether_testing::wait_until_within;

const HOUR: Duration = Duration::from_hours(1);
const START: Counts = Counts::Start { guard: Duration::ZERO };

async fn define(pool: &Db, limit: Limit, lane: LaneKey) {
    limits::define(pool, &limit).await.unwrap();
    limits::set_lane(pool, "calls", &limit.key, &[lane]).await.unwrap();
}

async fn add_calls(pool: &Db, n: usize) {
    add_all(pool, &(0..n).map(|_| call("k")).collect::<Vec<_>>()).await;
}

/// Makes a further call; true if its permit was granted.
async fn exchange(hand: &ByHand, job: i64, fault: bool) -> bool {
    let at: Option<chrono::DateTime<chrono::Utc>> = sqlx::query_scalar(
        "select case when p = 'infinity' then '9999-01-01Z' else p end from queue.exchange_permit($1, $2, $3, true, $4, null, null) p",
    )
    .bind(hand.process)
    .bind(job)
    .bind(hand.lease)
    .bind(fault)
    .fetch_one(&hand.pool)
    .await
    .unwrap();
    at.is_none()
}

#[tokio::test]
async fn the_urgent_reserve_is_kept_from_further_calls() {
    for counts in [START, Counts::Finish] {
        let db = database().await;
        let pool = Db::direct(db.pool());
        let limit = Limit::new("k", counts).window(Window::requests(10, HOUR)).reserve(0.5, 0);
        define(&pool, limit, LaneKey::new("k")).await;
        add_calls(&pool, 1).await;
        let mut hand = ByHand::register(pool.clone()).await;
        let job = hand.claim("calls", 9).await[0].id;
        let mut calls = 1;
        while calls < 20 && exchange(&hand, job, false).await {
            calls += 1;
        }
        assert_eq!(calls, 5, "half of ten, {counts:?}");
    }
}

#[tokio::test]
async fn a_job_of_two_calls_is_claimed_once_both_fit_and_makes_both() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let window = Duration::from_millis(300);
    let limit = Limit::new("k", START).window(Window::requests(2, window));
    define(&pool, limit, LaneKey::new("k").requests(2)).await;
    add_calls(&pool, 3).await;
    let mut hand = ByHand::register(pool.clone()).await;
    for n in 0..3 {
        let job = wait_until_within(Duration::from_secs(20), "the next claim", || async {
            let mut other = ByHand { pool: pool.clone(), process: hand.process, lease: n };
            other.claim("calls", 9).await.first().map(|g| g.id)
        })
        .await;
        hand.lease = n + 1;
        assert!(exchange(&hand, job, false).await, "kept for it since the claim");
        assert!(hand.complete(job, true).await);
    }
    let too_many = limits::set_lane(&pool, "calls", "x", &[LaneKey::new("k").requests(3)]).await;
    assert!(too_many.is_err(), "three never fit");
}

#[tokio::test]
async fn a_lost_call_counts_for_as_long_as_it_may_have_begun() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", Counts::Finish)
        .window(Window::requests(5, HOUR))
        .call_timeout(Duration::from_secs(10));
    define(&pool, limit, LaneKey::new("k")).await;
    add_calls(&pool, 1).await;
    let mut hand = ByHand::register(pool.clone()).await;
    sqlx::query("update queue.process set beat_at = clock_timestamp() - interval '8 seconds'")
        .execute(&pool)
        .await
        .unwrap();
    hand.claim("calls", 1).await;
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap();
    let left: f64 = sqlx::query_scalar(
        "select extract(epoch from max(at) - clock_timestamp())::float8 from queue.settlement",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!((9.0..=11.5).contains(&left), "counted for another {left} s");
}

#[tokio::test]
async fn a_probe_whose_call_fails_makes_no_further_one() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let breaker = Breaker { failures: 1, cooldown: HOUR, longest: HOUR };
    define(&pool, Limit::new("k", START).breaker(breaker), LaneKey::new("k")).await;
    add_calls(&pool, 3).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 1).await;
    hand.end_all(&got, true).await;
    assert!(hand.claim("calls", 9).await.is_empty());
    sqlx::query("update queue.limit_key set open_until = clock_timestamp()")
        .execute(&pool)
        .await
        .unwrap();
    let probe = hand.claim("calls", 9).await;
    assert_eq!(probe.len(), 1);
    assert!(!exchange(&hand, probe[0].id, true).await);
}

#[tokio::test]
async fn the_gauge_of_a_parent_counts_its_childrens_calls_and_the_lost_ones() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    limits::define(&pool, &Limit::new("account", Counts::Finish)).await.unwrap();
    let limit = Limit::new("k", Counts::Finish).window(Window::requests(9, HOUR)).parent("account");
    define(&pool, limit, LaneKey::new("k")).await;
    add_calls(&pool, 3).await;
    let (mut hand, mut dies) =
        (ByHand::register(pool.clone()).await, ByHand::register(pool.clone()).await);
    hand.claim("calls", 1).await;
    dies.claim("calls", 1).await;
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(dies.process)
        .execute(&pool)
        .await
        .unwrap();
    let gauges = inspect::limit_gauges(&pool).await.unwrap();
    let views = inspect::limits(&pool).await.unwrap();
    for key in ["account", "k"] {
        assert_eq!(gauges.iter().find(|g| g.key == key).unwrap().in_flight, 2, "{key}");
        assert_eq!(views.iter().find(|v| v.key == key).unwrap().in_flight, 2, "{key}");
    }
}

#[tokio::test]
async fn a_job_given_back_a_thousand_times_waits_an_hour_before_each_further_claim() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let id = add(&pool, &note("x")).await;
    sqlx::query("insert into queue.attempt (job, number, started_at, outcome) select $1, 1, now(), (array['throttled', 'released'])[1 + i % 2] from generate_series(1, 999) i")
        .bind(id.0)
        .execute(&pool)
        .await
        .unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 1).await;
    assert_eq!(hand.fail(id.0, "throttled", None).await.as_deref(), Some("available"));
    for outcome in ["throttled", "released"] {
        assert_eq!(hand.claim("notes", 1).await.len(), 1);
        assert_eq!(hand.fail(id.0, outcome, None).await.as_deref(), Some("scheduled"));
        let waits = "select count(*) from queue.scheduled where attempt = 0 and due_at > clock_timestamp() + interval '59 minutes' and error like '%given back a thousand times%'";
        assert_eq!(count(&pool, waits).await, 1, "with its attempts, and a reason");
        sqlx::query("update queue.scheduled set due_at = clock_timestamp()")
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query("select setval('queue.promoted_to', 0), setval('queue.promoted_all', 0)")
            .execute(&pool)
            .await
            .unwrap();
    }
}
