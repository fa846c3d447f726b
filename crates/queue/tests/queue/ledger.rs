//! The ledger: tokens, money, parents, reserves, overrides and external usage.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    Error, inspect,
    limits::{self, Breaker, Counts, Dimension, LaneKey, Limit, Unit, Usage, Window},
};
use bellwether_testing::wait_until;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const START: Counts = Counts::Start { guard: Duration::ZERO };

/// Defines a key and a lane of the same name that it serves.
pub(crate) async fn define(pool: &Db, limit: Limit, lane: LaneKey) {
    limits::define(pool, &limit).await.unwrap();
    limits::set_lane(pool, "calls", &limit.key, &[lane]).await.unwrap();
}

pub(crate) async fn add_calls(pool: &Db, lane: &str, n: usize) {
    add_all(pool, &(0..n).map(|_| call(lane)).collect::<Vec<_>>()).await;
}

async fn window(pool: &Db, key: &str, no: usize) -> inspect::WindowView {
    let limits = inspect::limits(pool).await.unwrap();
    limits.into_iter().find(|l| l.key == key).unwrap().windows.swap_remove(no)
}

#[tokio::test]
async fn tokens_are_reserved_while_a_call_is_in_flight_and_posted_as_reported() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("m", START).window(Window::tokens(250, HOUR));
    define(&pool, limit, LaneKey::new("m").reserve(100, 0)).await;
    add_calls(&pool, "m", 10).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 10).await;
    assert_eq!(got.len(), 2, "a third would reserve more than is there");
    assert_eq!(window(&pool, "m", 0).await.used, 200);
    let ended = Ended { used: true, tokens: Some(30), ..Ended::default() };
    assert!(hand.end(got[0].id, 1, ended).await);
    assert_eq!(window(&pool, "m", 0).await.used, 130, "what was used, not what was reserved");
    assert_eq!(hand.claim("calls", 10).await.len(), 1, "120 are left");
    // usage was not reported: all that was reserved
    assert!(hand.end(got[1].id, 1, Ended { used: true, ..Ended::default() }).await);
    assert_eq!(window(&pool, "m", 0).await.used, 230);
}

#[tokio::test]
async fn money_stops_a_key_as_tokens_do() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("m", Counts::Finish).window(Window::money(1_000, HOUR));
    define(&pool, limit, LaneKey::new("m").reserve(0, 400)).await;
    add_calls(&pool, "m", 5).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 10).await;
    assert_eq!(got.len(), 2);
    for job in &got {
        let ended = Ended { used: true, micros: Some(350), ..Ended::default() };
        assert!(hand.end(job.id, 1, ended).await);
    }
    assert!(hand.claim("calls", 10).await.is_empty(), "300 are left, a call reserves 400");
    assert_eq!(window(&pool, "m", 0).await.remaining, 300);
    let days = inspect::spending(&pool, Some("m"), 2).await.unwrap();
    assert_eq!((days.len(), days[0].requests, days[0].micros), (1, 2, 700));
}

#[tokio::test]
async fn posted_usage_equals_reported_usage_whatever_was_reserved() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("m", Counts::Finish).window(Window::tokens(10_000_000, HOUR));
    define(&pool, limit, LaneKey::new("m").reserve(1_000, 0)).await;
    add_calls(&pool, "m", 300).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let mut sum = 0;
    loop {
        let got = hand.claim("calls", 50).await;
        if got.is_empty() {
            break;
        }
        for job in got {
            let tokens = 500 + job.id * 37 % 1_001;
            sum += tokens;
            let ended = Ended { used: true, tokens: Some(tokens), ..Ended::default() };
            assert!(hand.end(job.id, hand.lease, ended).await);
        }
    }
    assert_eq!(window(&pool, "m", 0).await.used, sum);
    let wrong = "select count(*) from (
        select cum_requests - sum(requests) over w as r, cum_tokens - sum(tokens) over w as t
        from queue.permit_grant window w as (partition by key order by at)) x where r <> 0 or t <> 0";
    assert_eq!(count(&pool, wrong).await, 0, "the running totals are the sums of their rows");
}

#[tokio::test]
async fn a_lost_calls_reservation_is_posted_in_full_once_it_can_no_longer_arrive() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("m", Counts::Finish)
        .window(Window::tokens(1_000, HOUR))
        .window(Window::requests(5, HOUR))
        .in_flight(1)
        .call_timeout(Duration::from_mins(5));
    define(&pool, limit, LaneKey::new("m").reserve(400, 0)).await;
    add_calls(&pool, "m", 3).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 1);
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap();
    let mut other = ByHand::register(pool.clone()).await;
    for _ in 0..3 {
        fold_keys(&pool).await;
    }
    assert!(other.claim("calls", 10).await.is_empty(), "it may still be under way");
    assert_eq!(window(&pool, "m", 0).await.used, 400);
    assert_eq!(window(&pool, "m", 1).await.used, 1);
    let moved = "update queue.settlement set at = clock_timestamp()";
    assert_eq!(sqlx::query(moved).execute(&pool).await.unwrap().rows_affected(), 1);
    assert_eq!(other.claim("calls", 10).await.len(), 1, "five minutes later");
    assert_eq!(window(&pool, "m", 0).await.used, 800, "posted and reserved");
}

#[tokio::test]
async fn a_call_counts_however_many_transactions_end_before_its_own() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(
        &pool,
        Limit::new("m", Counts::Finish).window(Window::requests(1, HOUR)),
        LaneKey::new("m"),
    )
    .await;
    add_calls(&pool, "m", 3).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let job = hand.claim("calls", 10).await[0].id;
    let mut other = ByHand::register(pool.clone()).await;
    for _ in 0..3 {
        fold_keys(&pool).await;
    }
    assert!(other.claim("calls", 10).await.is_empty(), "it is in flight");

    let mut open = pool.begin().await.unwrap();
    let sql =
        "select job from queue.complete($1, $2, $3, '{t}', '{f}', '{null}', '{null}', '{null}')";
    let done: Option<i64> = sqlx::query_scalar(sql)
        .bind(hand.process)
        .bind(vec![job])
        .bind(vec![hand.lease])
        .fetch_optional(&mut *open)
        .await
        .unwrap();
    assert_eq!(done, Some(job));
    for _ in 0..3 {
        fold_keys(&pool).await;
        assert!(other.claim("calls", 10).await.is_empty(), "its end is not committed");
    }
    open.commit().await.unwrap();
    assert!(other.claim("calls", 10).await.is_empty(), "its end is not folded");
    assert_eq!(window(&pool, "m", 0).await.used, 1);
    move_call_marks(&pool).await;
    assert!(other.claim("calls", 10).await.is_empty(), "its end is folded");
    assert_eq!(window(&pool, "m", 0).await.used, 1);
}

#[tokio::test]
async fn a_database_restored_into_another_server_counts_its_calls() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(
        &pool,
        Limit::new("m", Counts::Finish).window(Window::requests(1, HOUR)),
        LaneKey::new("m"),
    )
    .await;
    add_calls(&pool, "m", 3).await;
    // the other server had ended more transactions
    let marks = "update queue.call_mark set running = 4000000000000, settlement = 4000000000000, moved_at = clock_timestamp()";
    sqlx::query(marks).execute(&pool).await.unwrap();
    sqlx::query("update queue.server set timeline = 'of the other server'")
        .execute(&pool)
        .await
        .unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("calls", 10).await.is_empty(), "every key is parked");
    sqlx::query("update queue.limit_key set parked_until = null").execute(&pool).await.unwrap();
    assert_eq!(hand.claim("calls", 10).await.len(), 1);
    assert!(hand.claim("calls", 10).await.is_empty(), "it is in flight");

    // a server that does not tell its timeline
    sqlx::query(marks).execute(&pool).await.unwrap();
    fold_keys(&pool).await;
    assert!(hand.claim("calls", 10).await.is_empty(), "as soon as maintenance has run");
}

#[tokio::test]
async fn a_call_needs_capacity_of_its_key_and_of_the_parent() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let account = Limit::new("account", START).window(Window::requests(3, HOUR));
    limits::define(&pool, &account).await.unwrap();
    for key in ["a", "b"] {
        let limit = Limit::new(key, START).window(Window::requests(2, HOUR)).parent("account");
        define(&pool, limit, LaneKey::new(key)).await;
        add_calls(&pool, key, 5).await;
    }
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 10).await;
    let of = |key: &str| got.iter().filter(|g| g.key.as_deref() == Some(key)).count();
    assert_eq!(
        (of("a"), of("b")),
        (2, 1),
        "two of a by its own window, and one more of the account"
    );
    assert_eq!(window(&pool, "account", 0).await.remaining, 0);
    assert!(hand.claim("calls", 10).await.is_empty());
    let next = inspect::limits(&pool).await.unwrap().into_iter().find(|l| l.key == "b").unwrap();
    let soon: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select clock_timestamp() + interval '59 minutes'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(
        next.next_permit_at.is_some_and(|at| at > soon),
        "when the account's first call leaves"
    );
}

#[tokio::test]
async fn a_parent_that_counts_from_the_finish_counts_its_childrens_calls() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let account = Limit::new("account", Counts::Finish)
        .window(Window::requests(2, HOUR))
        .window(Window::tokens(100, HOUR));
    limits::define(&pool, &account).await.unwrap();
    let child = Limit::new("a", Counts::Finish).parent("account");
    define(&pool, child, LaneKey::new("a").reserve(60, 0)).await;
    add_calls(&pool, "a", 5).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 10).await;
    assert_eq!(got.len(), 1, "60 of 100 tokens are reserved");
    assert!(
        hand.end(got[0].id, 1, Ended { used: true, tokens: Some(10), ..Ended::default() }).await
    );
    assert_eq!(hand.claim("calls", 10).await.len(), 1);
    assert_eq!(window(&pool, "account", 0).await.used, 2);
    assert_eq!(window(&pool, "account", 1).await.used, 70);
    assert!(hand.claim("calls", 10).await.is_empty());
}

#[tokio::test]
async fn a_share_of_each_window_is_kept_for_urgent_jobs() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", START).window(Window::requests(10, HOUR)).reserve(0.3, 1);
    define(&pool, limit, LaneKey::new("k")).await;
    add_calls(&pool, "k", 20).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 20).await.len(), 7);
    assert!(hand.claim("calls", 20).await.is_empty());
    assert_eq!(counted(&pool).await.get("parked"), Some(&13), "and people see it");
    let urgent: Vec<_> = (0..5)
        .map(|_| {
            let mut job = call("k");
            job.priority = 1;
            job
        })
        .collect();
    add_all(&pool, &urgent).await;
    assert_eq!(hand.claim("calls", 20).await.len(), 3, "the rest of the ten");
}

#[tokio::test]
async fn a_lost_calls_place_in_flight_is_kept_also_where_calls_count_from_the_start() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, Limit::new("k", START).in_flight(1), LaneKey::new("k")).await;
    add_calls(&pool, "k", 3).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 5).await.len(), 1);
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap();
    let mut other = ByHand::register(pool.clone()).await;
    assert!(other.claim("calls", 5).await.is_empty(), "it may still be under way");
    sqlx::query("update queue.settlement set at = clock_timestamp()").execute(&pool).await.unwrap();
    assert_eq!(other.claim("calls", 5).await.len(), 1);
}

#[tokio::test]
async fn an_override_holds_until_it_expires() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", START).window(Window::requests(5, HOUR));
    define(&pool, limit.clone(), LaneKey::new("k")).await;
    add_calls(&pool, "k", 10).await;
    let lower = |amount| {
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            let known = limits::override_window(&mut tx, "k", 0, amount).await.unwrap();
            tx.commit().await.unwrap();
            known
        }
    };
    assert!(lower(Some((2, HOUR))).await);
    limits::define(&pool, &limit).await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 2, "also after the key was defined again");
    let shown = window(&pool, "k", 0).await;
    assert_eq!((shown.amount, shown.base_amount), (2, 5));
    assert!(shown.override_until.is_some());
    assert!(lower(Some((3, Duration::ZERO))).await);
    assert_eq!(hand.claim("calls", 10).await.len(), 3, "it has expired: its own five again");
    assert!(lower(Some((0, HOUR))).await);
    assert!(lower(None).await);
    assert_eq!(window(&pool, "k", 0).await.amount, 5);
    let mut tx = pool.begin().await.unwrap();
    assert!(!limits::override_window(&mut tx, "k", 7, None).await.unwrap());
}

#[tokio::test]
async fn external_calls_count_in_every_window_and_in_no_spending() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", START)
        .window(Window::requests(5, HOUR))
        .window(Window::tokens(1_000, HOUR));
    define(&pool, limit, LaneKey::new("k").reserve(100, 0)).await;
    add_calls(&pool, "k", 10).await;
    let mut tx = pool.begin().await.unwrap();
    let usage = Usage { tokens: 850, micros: 7 };
    assert!(limits::record_external_usage(&mut tx, "k", 3, usage).await.unwrap());
    assert!(!limits::record_external_usage(&mut tx, "unknown", 3, usage).await.unwrap());
    tx.commit().await.unwrap();
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 1, "2 requests and 150 tokens are left");
    let days = inspect::spending(&pool, None, 1).await.unwrap();
    assert_eq!((days[0].requests, days[0].tokens, days[0].micros), (1, 0, 0));
}

#[tokio::test]
async fn a_limit_that_could_never_grant_is_refused() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let says = |limit: Limit| {
        let pool = pool.clone();
        async move {
            match limits::define(&pool, &limit).await {
                Err(Error::Limit { key, reason }) => format!("{key}: {reason}"),
                other => panic!("{other:?}"),
            }
        }
    };
    let k = || Limit::new("k", START);
    assert_eq!(
        says(k().window(Window::requests(0, HOUR))).await,
        "k: 0 requests could never be granted"
    );
    let none_left = k().window(Window::requests(2, HOUR)).reserve(0.9, 0);
    assert_eq!(says(none_left).await, "k: the reserve leaves none of 2 requests to other jobs");
    assert_eq!(says(k().reserve(1.0, 0)).await, "k: a reserve of 1 is not in 0 to below 1");
    assert_eq!(says(k().in_flight(0)).await, "k: no call could ever be in flight");
    let nowhere = Window::calendar(Dimension::Requests, 5, Unit::Day, "Mars/Olympus");
    assert_eq!(says(k().window(nowhere)).await, "k: there is no time zone \"Mars/Olympus\"");
    assert_eq!(says(k().parent("p")).await, "k: its parent \"p\" is not defined");
    limits::define(&pool, &k()).await.unwrap();
    limits::define(&pool, &Limit::new("c", START).parent("k")).await.unwrap();
    let other = Limit::new("o", Counts::Finish).parent("k");
    assert_eq!(
        says(other).await,
        "o: its parent \"k\" counts from the start: a key and its parent must count alike"
    );
    let turned = Limit::new("k", Counts::Finish);
    assert_eq!(
        says(turned).await,
        "k: its child \"c\" counts differently: a key and its parent must count alike"
    );
    let grandchild = Limit::new("g", START).parent("c");
    assert_eq!(says(grandchild).await, "g: \"c\" cannot be its parent: a parent key has no parent");
    assert!(says(k().parent("c")).await.ends_with("a parent key has no parent"));

    limits::define(&pool, &k().window(Window::tokens(100, HOUR))).await.unwrap();
    let lane = |key: LaneKey| {
        let pool = pool.clone();
        async move { limits::set_lane(&pool, "calls", "k", &[key]).await.unwrap_err().to_string() }
    };
    let large = lane(LaneKey::new("k").reserve(101, 0)).await;
    assert_eq!(large, "limit k: has a window of 100, less than one call of lane k reserves");
    assert_eq!(lane(LaneKey::new("unknown")).await, "limit unknown: is not defined");
}

#[tokio::test]
async fn a_key_defined_again_keeps_what_it_has_counted() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = |n| Limit::new("k", START).window(Window::requests(n, HOUR));
    define(&pool, limit(3), LaneKey::new("k")).await;
    add_calls(&pool, "k", 10).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 3);
    define(&pool, limit(3), LaneKey::new("k")).await;
    assert!(hand.claim("calls", 10).await.is_empty());
    define(&pool, limit(5), LaneKey::new("k")).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 2);
}

/// Fifteen calls in flight do not make the sixteenth fall back to the next key: they end soon.
#[tokio::test]
async fn calls_in_flight_are_waited_for_as_if_they_ended_now() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let minute = Duration::from_mins(1);
    let best = Limit::new("best", Counts::Finish).window(Window::requests(2, minute));
    limits::define(&pool, &best).await.unwrap();
    limits::define(&pool, &Limit::new("always", START)).await.unwrap();
    let lane = |wait| [LaneKey::new("best").fallback_after(wait), LaneKey::new("always")];
    limits::set_lane(&pool, "calls", "model", &lane(minute * 2)).await.unwrap();
    add_calls(&pool, "model", 4).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 2);
    assert!(hand.claim("calls", 10).await.is_empty(), "a minute is within the fallback time");
    limits::set_lane(&pool, "calls", "model", &lane(minute / 2)).await.unwrap();
    assert_eq!(hand.claim("calls", 10).await.len(), 2);
}

#[tokio::test]
async fn a_fallback_serves_only_if_the_better_key_is_later_than_its_fallback_time() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let best =
        Limit::new("best", START).window(Window::requests(1, HOUR)).breaker(Breaker::default());
    limits::define(&pool, &best).await.unwrap();
    limits::define(&pool, &Limit::new("always", START)).await.unwrap();
    let lane =
        [LaneKey::new("best").fallback_after(Duration::from_mins(10)), LaneKey::new("always")];
    limits::set_lane(&pool, "calls", "model", &lane).await.unwrap();
    add_calls(&pool, "model", 4).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let keys = |got: Vec<Got>| got.into_iter().map(|g| g.key.unwrap()).collect::<Vec<_>>();
    assert_eq!(keys(hand.claim("calls", 2).await), ["best", "always"], "an hour is too far off");
    let mut tx = pool.begin().await.unwrap();
    limits::override_window(&mut tx, "best", 0, Some((5, HOUR))).await.unwrap();
    limits::park(&mut tx, "best", Duration::from_secs(30), "429").await.unwrap();
    tx.commit().await.unwrap();
    assert!(hand.claim("calls", 2).await.is_empty(), "half a minute is not");
    let next: Option<f64> =
        sqlx::query_scalar("select extract(epoch from queue.next_work('calls'))::float8")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(next.is_some_and(|s| (25.0..=30.0).contains(&s)), "claims again then: {next:?}");
    let mut tx = pool.begin().await.unwrap();
    limits::park(&mut tx, "best", HOUR, "a day's quota").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(keys(hand.claim("calls", 2).await), ["always", "always"]);
}

#[tokio::test]
async fn an_ended_call_reaches_the_ledger_also_without_claims() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", Counts::Finish).window(Window::requests(2, HOUR));
    define(&pool, limit, LaneKey::new("k")).await;
    add_calls(&pool, "k", 1).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 1).await;
    let _process =
        bellwether_queue::Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    hand.end_all(&got, false).await;
    wait_until("the ledger to have it", || async {
        let days = inspect::spending(&pool, Some("k"), 1).await.unwrap();
        (days.first().map(|day| day.requests) == Some(1)).then_some(())
    })
    .await;
}
