//! Known faults of other limiters that no other test covers: a key that starts over when it is
//! registered again, a global lock that all callers wait for, an amount of zero for which a caller
//! waits for ever.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    inspect,
    limits::{self, Breaker, Counts, LaneKey, Limit, Window},
};
use bellwether_testing::wait_until;
use chrono::TimeDelta;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_hours(1);
const START: Counts = Counts::Start { guard: Duration::ZERO };
/// Far longer than a claim that waits for no lock.
const AT_ONCE: Duration = Duration::from_secs(3);

fn limit(key: &str, amount: u64) -> Limit {
    Limit::new(key, START).window(Window::requests(amount, HOUR)).breaker(Breaker::default())
}

async fn define(pool: &Db, limit: &Limit) {
    limits::define(pool, limit).await.unwrap();
    limits::set_lane(pool, "calls", &limit.key, &[LaneKey::new(&limit.key)]).await.unwrap();
}

async fn view(pool: &Db, key: &str) -> inspect::LimitView {
    let all = inspect::limits(pool).await.unwrap();
    all.into_iter().find(|l| l.key == key).unwrap()
}

#[tokio::test]
async fn a_key_that_is_defined_again_stays_parked_open_and_overridden() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for key in ["parked", "open", "less"] {
        define(&pool, &limit(key, 5)).await;
    }
    let mut tx = pool.begin().await.unwrap();
    limits::park(&mut tx, "parked", HOUR, "the provider says so").await.unwrap().unwrap();
    assert!(limits::open_breaker(&mut tx, "open", HOUR).await.unwrap());
    assert!(limits::override_window(&mut tx, "less", 0, Some((2, HOUR))).await.unwrap());
    tx.commit().await.unwrap();
    // every worker does so when it starts
    for key in ["parked", "open", "less"] {
        define(&pool, &limit(key, 5)).await;
        add_all(&pool, &(0..5).map(|_| call(key)).collect::<Vec<_>>()).await;
    }
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 15).await;
    let keys: Vec<_> = got.iter().filter_map(|g| g.key.as_deref()).collect();
    assert_eq!(keys, ["less", "less"]);
    assert_eq!(view(&pool, "parked").await.parked_why.as_deref(), Some("the provider says so"));
    assert_eq!(view(&pool, "open").await.breaker.state, "open");
}

/// A claim locks the keys of its own queue's waiting jobs and no others.
#[tokio::test]
async fn a_claim_waits_for_no_key_of_another_queue() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, &limit("mine", 5)).await;
    limits::define(&pool, &limit("other", 5)).await.unwrap();
    limits::set_lane(&pool, "notes", "other", &[LaneKey::new("other")]).await.unwrap();
    add(&pool, &call("free")).await;
    let mut elsewhere = note("waits for the other key");
    "other".clone_into(&mut elsewhere.lane);
    add(&pool, &elsewhere).await;

    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from queue.limit_key for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    let free = timeout(AT_ONCE, hand.claim("calls", 5)).await.expect("a lane without keys");
    assert_eq!(free.len(), 1);
    holder.rollback().await.unwrap();

    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from queue.limit_key where name = 'other' for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    add(&pool, &call("mine")).await;
    let mine = timeout(AT_ONCE, hand.claim("calls", 5)).await.expect("a key of its own");
    assert_eq!(mine[0].key.as_deref(), Some("mine"));
    holder.rollback().await.unwrap();
}

/// A claim waits for keys half a second at most: one that waits takes longer each time.
#[tokio::test]
async fn a_lane_whose_key_is_free_waits_for_no_key_of_another_lane() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    for key in ["held", "free"] {
        define(&pool, &limit(key, 5)).await;
    }
    let mut holder = pool.begin().await.unwrap();
    sqlx::query("select from queue.limit_key where name = 'held' for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    let mut least = Duration::MAX;
    for _ in 0..5 {
        add_all(&pool, &[call("held"), call("free")]).await;
        let began = std::time::Instant::now();
        let got = hand.claim("calls", 5).await;
        least = least.min(began.elapsed());
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].key.as_deref(), Some("free"));
    }
    assert!(least < Duration::from_millis(500), "{least:?}");
    let waiting = tokio::spawn(async move {
        loop {
            let got = hand.claim("calls", 1).await;
            if !got.is_empty() {
                return got;
            }
        }
    });
    bellwether_testing::wait_until("the claim to wait for the key", || async {
        let waits = "select count(*) from pg_stat_activity where datname = current_database() and query like '%queue.claim(%' and wait_event_type = 'Lock'";
        (count(&pool, waits).await > 0).then_some(())
    })
    .await;
    holder.rollback().await.unwrap();
    assert_eq!(waiting.await.unwrap().len(), 1, "the only lane left");
}

#[tokio::test]
async fn an_amount_of_zero_grants_nothing_says_so_and_ends() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, &limit("k", 5)).await;
    let mut tx = pool.begin().await.unwrap();
    let none = Some((0, Duration::from_secs(2)));
    assert!(limits::override_window(&mut tx, "k", 0, none).await.unwrap());
    tx.commit().await.unwrap();
    let id = add(&pool, &call("k")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("calls", 5).await.is_empty());
    let why = inspect::why(&pool, id).await.unwrap().unwrap();
    assert_eq!((why.key.as_deref(), why.dimension.as_deref()), (Some("k"), Some("requests")));
    let window = view(&pool, "k").await.windows.swap_remove(0);
    assert_eq!((window.amount, window.remaining, window.base_amount), (0, 0, 5));
    let ends = window.override_until.unwrap();
    let next = view(&pool, "k").await.next_permit_at.unwrap();
    assert!((next - ends).abs() < TimeDelta::milliseconds(1), "{next} and {ends}");
    let got = wait_until("the end of the override", || async {
        let mut hand = ByHand::register(pool.clone()).await;
        hand.claim("calls", 5).await.pop()
    })
    .await;
    assert_eq!(got.id, id.0);
}
