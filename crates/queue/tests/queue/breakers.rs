//! Breakers: opened by faults in a row or by hand, probed, and closed.

use std::time::Duration;

use crate::{
    ledger::{HOUR, START, add_calls, define},
    support::*,
};
use bellwether_queue::{
    inspect,
    limits::{self, Breaker, Counts, LaneKey, Limit},
};
use bellwether_testing::wait_until;

async fn breaker(pool: &Db, key: &str) -> inspect::BreakerView {
    let limits = inspect::limits(pool).await.unwrap();
    limits.into_iter().find(|l| l.key == key).unwrap().breaker
}

/// Ends the breaker's cooldown.
async fn cool(pool: &Db) {
    sqlx::query(
        "update queue.limit_key set open_until = clock_timestamp() where open_until is not null",
    )
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn faults_in_a_row_open_the_breaker_and_one_probe_decides() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let breaker_of = Breaker { failures: 3, cooldown: HOUR, longest: HOUR * 8 };
    let cooled = || cool(&pool);
    define(&pool, Limit::new("k", START).breaker(breaker_of), LaneKey::new("k")).await;
    add_calls(&pool, "k", 30).await;
    let (mut one, mut two) =
        (ByHand::register(pool.clone()).await, ByHand::register(pool.clone()).await);

    let got = one.claim("calls", 2).await;
    one.end_all(&got, true).await;
    let got = one.claim("calls", 1).await;
    one.end_all(&got, false).await;
    let got = one.claim("calls", 2).await;
    one.end_all(&got, true).await;
    let got = two.claim("calls", 1).await;
    assert_eq!(got.len(), 1, "a good call between them: no three in a row");
    two.end_all(&got, true).await;

    assert!(
        one.claim("calls", 10).await.is_empty(),
        "the third in a row opens it for all processes"
    );
    assert_eq!(breaker(&pool, "k").await.state, "open");
    cooled().await;
    assert_eq!(breaker(&pool, "k").await.state, "half_open");
    let got = one.claim("calls", 10).await;
    assert_eq!(got.len(), 1, "one call, whichever process asks");
    assert!(two.claim("calls", 10).await.is_empty());
    one.end_all(&got, true).await;
    assert!(two.claim("calls", 10).await.is_empty(), "it failed: open again");
    let open = breaker(&pool, "k").await;
    assert_eq!((open.state, open.cooldown_s), ("open", 7_200.0), "for twice as long");
    let (until, now): (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("select open_until, clock_timestamp() from queue.limit_key")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(until - now > chrono::TimeDelta::minutes(110), "{}", until - now);

    cooled().await;
    let got = two.claim("calls", 10).await;
    assert_eq!(got.len(), 1);
    // its process dies: the probe's result is unknown, and another call may be the probe
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(two.process)
        .execute(&pool)
        .await
        .unwrap();
    let got = one.claim("calls", 10).await;
    assert_eq!(got.len(), 1);
    one.end_all(&got, false).await;
    assert_eq!(one.claim("calls", 10).await.len(), 10, "a good probe closes it");
    let closed = breaker(&pool, "k").await;
    assert_eq!((closed.state, closed.failures), ("closed", 0));
}

#[tokio::test]
async fn a_probe_that_made_no_call_leaves_the_place_to_another() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, Limit::new("k", Counts::Finish), LaneKey::new("k")).await;
    add_calls(&pool, "k", 3).await;
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::open_breaker(&mut tx, "k", Duration::from_millis(1)).await.unwrap());
    tx.commit().await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    let got = wait_until("the probe", || async {
        let mut hand = ByHand::register(pool.clone()).await;
        let got = hand.claim("calls", 5).await;
        (!got.is_empty()).then_some((hand, got))
    })
    .await;
    assert_eq!(got.1.len(), 1);
    assert!(hand.claim("calls", 5).await.is_empty());
    assert!(got.0.complete(got.1[0].id, false).await);
    assert_eq!(hand.claim("calls", 5).await.len(), 1);
    assert_eq!(breaker(&pool, "k").await.state, "half_open");
}

#[tokio::test]
async fn a_parent_that_is_tripped_is_parked() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    limits::define(&pool, &Limit::new("account", START)).await.unwrap();
    define(&pool, Limit::new("k", START).parent("account"), LaneKey::new("k")).await;
    add_calls(&pool, "k", 1).await;
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::open_breaker(&mut tx, "account", HOUR).await.unwrap());
    tx.commit().await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("calls", 1).await.is_empty());
    assert_eq!(breaker(&pool, "account").await.state, "closed");
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::resume(&mut tx, "account").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 1).await.len(), 1);
}

#[tokio::test]
async fn a_breaker_is_tripped_and_reset_by_hand() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, Limit::new("k", START), LaneKey::new("k")).await;
    add_calls(&pool, "k", 1).await;
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::open_breaker(&mut tx, "k", HOUR).await.unwrap());
    assert!(!limits::open_breaker(&mut tx, "unknown", HOUR).await.unwrap());
    tx.commit().await.unwrap();
    let until = breaker(&pool, "k").await.open_until;
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::open_breaker(&mut tx, "k", Duration::from_secs(1)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(breaker(&pool, "k").await.open_until, until, "the longer one wins");
    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("calls", 1).await.is_empty());
    // as every start of a worker does
    limits::define(&pool, &Limit::new("k", START)).await.unwrap();
    assert!(hand.claim("calls", 1).await.is_empty(), "the breaker is the cluster's, and durable");
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::close_breaker(&mut tx, "k").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 1).await.len(), 1);
}
