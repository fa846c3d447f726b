//! Failover to a replica that was behind: the last calls are missing from the ledger.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    inspect,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use bellwether_testing::{Postgres, wait_until};

const MINUTE: Duration = Duration::from_mins(1);

/// Connects again: every connection ended with the server.
async fn connected(postgres: &Postgres) -> Db {
    let pool =
        wait_until("the server", || async { sqlx::PgPool::connect(&postgres.url).await.ok() })
            .await;
    Db::direct(pool)
}

/// Returns the seconds for which each key is parked from now on; `None`: it is not.
async fn parked(db: &Db, key: &str) -> Option<f64> {
    let limits = inspect::limits(db).await.unwrap();
    let until = limits.into_iter().find(|l| l.key == key).unwrap().parked_until?;
    let now = bellwether_queue::schedule::now(db).await.unwrap();
    Some((until - now).as_seconds_f64())
}

#[tokio::test]
async fn after_a_failover_that_lost_grants_every_key_is_parked_for_its_longest_window_up_to_a_minute()
 {
    let mut postgres = Postgres::start(20).await;
    let db = connected(&postgres).await;
    bellwether_queue::MIGRATOR.run(db.pool()).await.unwrap();
    let start = Counts::Start { guard: Duration::ZERO };
    for (key, window) in [
        ("minute", Window::requests(2, MINUTE)),
        ("seconds", Window::requests(2, Duration::from_secs(9))),
        ("day", Window::requests(2, Duration::from_hours(25))),
    ] {
        limits::define(&db, &Limit::new(key, start).window(window)).await.unwrap();
        limits::set_lane(&db, "calls", key, &[LaneKey::new(key)]).await.unwrap();
    }
    limits::define(&db, &Limit::new("parked", start).window(Window::requests(2, MINUTE)))
        .await
        .unwrap();
    let mut tx = db.begin().await.unwrap();
    limits::park(&mut tx, "parked", Duration::from_hours(1), "told to").await.unwrap();
    tx.commit().await.unwrap();
    let jobs: Vec<_> = (0..4).map(|_| call("minute")).collect();
    add_all(&db, &jobs).await;
    let mut hand = ByHand::register(db.clone()).await;

    postgres.replicate().await;
    hand.pool = connected(&postgres).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 2, "a restart is no failover");
    assert_eq!(parked(&hand.pool, "minute").await, None);

    postgres.fail_over().await;
    let db = connected(&postgres).await;
    hand.pool = db.clone();
    let used = inspect::limits(&db).await.unwrap();
    let used = used.iter().find(|l| l.key == "minute").unwrap().windows[0].used;
    assert_eq!(used, 0, "the two calls are forgotten");
    assert!(hand.claim("calls", 10).await.is_empty(), "and not made again within the minute");
    let until = parked(&db, "minute").await.unwrap();
    assert!((50.0..=60.0).contains(&until), "{until}");
    let until = parked(&db, "seconds").await.unwrap();
    assert!((0.0..=9.0).contains(&until), "{until}");
    let until = parked(&db, "day").await.unwrap();
    assert!((50.0..=60.0).contains(&until), "longer windows trust the provider: {until}");
    assert!(parked(&db, "parked").await.unwrap() > 3_000.0, "the longer park wins");

    // only once
    let mut tx = db.begin().await.unwrap();
    assert!(limits::resume(&mut tx, "minute").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 10).await.len(), 2);
}

#[tokio::test]
async fn an_exchange_after_a_failover_parks_the_key_and_grants_nothing() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let start = Counts::Start { guard: Duration::ZERO };
    let limit = Limit::new("k", start).window(Window::requests(9, MINUTE));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "k", &[LaneKey::new("k")]).await.unwrap();
    add(&pool, &call("k")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 1).await;
    let next_at = async || {
        sqlx::query_scalar::<_, Option<chrono::DateTime<chrono::Utc>>>(
            "select queue.exchange_permit($1, $2, $3, false, null, null, null)",
        )
        .bind(hand.process)
        .bind(got[0].id)
        .bind(hand.lease)
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    assert_eq!(next_at().await, None);
    // as on a replica that has been promoted
    sqlx::query("update queue.server set timeline = '00000000'").execute(&pool).await.unwrap();
    assert!(next_at().await.is_some());
    assert!(parked(&pool, "k").await.is_some());
}
