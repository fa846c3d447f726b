//! Limits are exact in every window and dimension, whatever happens to calls and to the workers
//! that make them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::*;
use bellwether_queue::{
    inspect,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use rand::{RngExt, SeedableRng};
use tokio::{sync::Mutex, time::Instant};

/// A call as the service receives it.
#[derive(Clone, Copy)]
struct Made {
    start: Duration,
    end: Duration,
    tokens: i64,
}

/// Returns the most calls in any stretch of `period`, if each call counts at one moment of its
/// life.
fn most(
    calls: &[Made],
    period: Duration,
    moment: fn(&Made) -> Duration,
    of: fn(&Made) -> i64,
) -> i64 {
    let mut calls = calls.to_vec();
    calls.sort_by_key(moment);
    let (mut from, mut held, mut most) = (0, 0, 0);
    for upto in 0..calls.len() {
        held += of(&calls[upto]);
        while moment(&calls[upto]) >= moment(&calls[from]) + period {
            held -= of(&calls[from]);
            from += 1;
        }
        most = most.max(held);
    }
    most
}

/// A worker that begins its calls at the claim: its lost calls count from there, not for as long as a
/// process may trust its last heartbeat, which is longer than the test.
async fn caller(pool: &Db) -> ByHand {
    let hand = ByHand::register(pool.clone()).await;
    sqlx::query(
        "update queue.process set beat_at = beat_at - interval '9.5 seconds' where id = $1",
    )
    .bind(hand.process)
    .execute(pool)
    .await
    .unwrap();
    hand
}

const KEYS: [&str; 3] = ["a", "b", "c"];
const RUN: Duration = Duration::from_secs(8);

/// a: two windows; b: tokens; c: a cap in flight; a and b share an account. Eight workers make calls of
/// random length and use, and die with calls in flight.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_window_of_any_dimension_is_exceeded_while_workers_die_with_calls_in_flight() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let ms = Duration::from_millis;
    // A lost call ends within its timeout here, as in production.
    let key = |name: &str| Limit::new(name, Counts::Finish).call_timeout(ms(1_000));
    let account = key("account").window(Window::requests(14, ms(900)));
    limits::define(&pool, &account).await.unwrap();
    let a = key("a").parent("account");
    let a = a.window(Window::requests(4, ms(400))).window(Window::requests(9, ms(1_700)));
    let b = key("b").parent("account").window(Window::tokens(3_000, ms(700)));
    let c = key("c").in_flight(3).window(Window::requests(12, ms(500)));
    for limit in [&a, &b, &c] {
        limits::define(&pool, limit).await.unwrap();
        let lane = LaneKey::new(&limit.key).reserve(500, 0);
        limits::set_lane(&pool, "calls", &limit.key, &[lane]).await.unwrap();
        add_all(&pool, &(0..400).map(|_| call(&limit.key)).collect::<Vec<_>>()).await;
    }
    let made = Arc::new(Mutex::new(Vec::<(String, Made)>::new()));
    let deaths = Arc::new(AtomicUsize::new(0));
    let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let mut dice = seeded();
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let mut rng = dice.fork();
            let (pool, made, stop, deaths) =
                (pool.clone(), Arc::clone(&made), Arc::clone(&stop), Arc::clone(&deaths));
            tokio::spawn(async move {
                let mut hand = caller(&pool).await;
                while !stop.load(Ordering::Relaxed) {
                    let got = hand.claim("calls", rng.random_range(1..6)).await;
                    let dies = !got.is_empty() && rng.random_bool(0.05);
                    for job in &got {
                        let start = began.elapsed();
                        tokio::time::sleep(ms(rng.random_range(0..40))).await;
                        let tokens = rng.random_range(0..=500);
                        let call = Made { start, end: began.elapsed(), tokens };
                        made.lock().await.push((job.key.clone().unwrap(), call));
                        if !dies {
                            let ended =
                                Ended { used: true, tokens: Some(tokens), ..Ended::default() };
                            assert!(hand.end(job.id, hand.lease, ended).await);
                        }
                    }
                    if dies {
                        deaths.fetch_add(1, Ordering::Relaxed);
                        sqlx::query("select queue.rescue(array[$1::uuid])")
                            .bind(hand.process)
                            .execute(&pool)
                            .await
                            .unwrap();
                        hand = caller(&pool).await;
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(RUN).await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let made = made.lock().await;
    assert!(deaths.load(Ordering::Relaxed) > 2, "workers died");
    let of = |keys: &[&str]| -> Vec<Made> {
        made.iter().filter(|(k, _)| keys.contains(&k.as_str())).map(|(_, m)| *m).collect()
    };
    for moment in [|m: &Made| m.start, |m: &Made| m.end] {
        assert!(most(&of(&["a"]), ms(400), moment, |_| 1) <= 4);
        assert!(most(&of(&["a"]), ms(1_700), moment, |_| 1) <= 9);
        assert!(most(&of(&["b"]), ms(700), moment, |m| m.tokens) <= 3_000);
        assert!(most(&of(&["c"]), ms(500), moment, |_| 1) <= 12);
        assert!(most(&of(&["a", "b"]), ms(900), moment, |_| 1) <= 14);
    }
    let (mut edges, mut flying, mut peak) = (Vec::new(), 0, 0);
    for m in of(&["c"]) {
        edges.extend([(m.start, 1), (m.end, -1)]);
    }
    edges.sort();
    for (_, step) in edges {
        flying += step;
        peak = peak.max(flying);
    }
    assert!(peak <= 3, "{peak} in flight");
    for key in KEYS {
        assert!(of(&[key]).len() > 15, "{key} was used: {}", of(&[key]).len());
    }
    let wrong = "select count(*) from (
        select cum_requests - sum(requests) over w as r, cum_tokens - sum(tokens) over w as t
        from queue.permit_grant window w as (partition by key order by at)) x where r <> 0 or t <> 0";
    assert_eq!(count(&pool, wrong).await, 0, "the running totals are the sums of their rows");
}

#[tokio::test]
async fn a_cap_on_a_queue_holds_over_all_processes() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let jobs: Vec<_> = (0..60).map(|n| note(&format!("n{n}"))).collect();
    add_all(&pool, &jobs).await;
    sqlx::query("update queue.queue set cap = 5").execute(&pool).await.unwrap();
    let claimers: Vec<_> = (0..6)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut hand = ByHand::register(pool.clone()).await;
                let mut total = 0;
                for _ in 0..20 {
                    let got = hand.claim("notes", 3).await;
                    let running: i64 = sqlx::query_scalar("select count(*) from queue.running")
                        .fetch_one(&pool)
                        .await
                        .unwrap();
                    assert!(running <= 5, "{running} run");
                    total += got.len();
                    for job in got {
                        assert!(hand.complete(job.id, false).await);
                    }
                }
                total
            })
        })
        .collect();
    let mut total = 0;
    for claimer in claimers {
        total += claimer.await.unwrap();
    }
    assert!(total >= 20, "and work continues: {total}");
}

/// Ten a minute and forty an hour: the window that delays a job depends on its place.
#[tokio::test]
async fn why_estimates_when_a_job_deep_in_the_lane_will_start() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = Limit::new("k", Counts::Start { guard: Duration::ZERO })
        .window(Window::requests(10, Duration::from_mins(1)))
        .window(Window::requests(40, Duration::from_hours(1)));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "k", &[LaneKey::new("k")]).await.unwrap();
    let ids = add_all(&pool, &(0..120).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 200).await.len(), 10);
    let minutes = async |place: usize| {
        let why = inspect::why(&pool, ids[place]).await.unwrap().unwrap();
        let now: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("select clock_timestamp()").fetch_one(&pool).await.unwrap();
        let wait = why.estimated_start_at.expect("a time") - now;
        (why.position, (wait.as_seconds_f64() / 60.0).round())
    };
    let why = inspect::why(&pool, ids[10]).await.unwrap().unwrap();
    assert_eq!((why.key.as_deref(), why.dimension.as_deref()), (Some("k"), Some("requests")));
    assert_eq!(why.reason, "limit k has no requests left for now");
    assert_eq!(minutes(10).await, (Some(0), 1.0));
    assert_eq!(minutes(25).await, (Some(15), 2.0));
    assert_eq!(minutes(39).await, (Some(29), 3.0));
    assert_eq!(minutes(40).await, (Some(30), 60.0), "the hour's window stands in the way");
    assert_eq!(minutes(85).await, (Some(75), 120.0));
}
