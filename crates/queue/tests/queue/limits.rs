//! Limit keys: a window is never exceeded, and its capacity is used.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::support::*;
use bellwether_queue::{
    Error, Outcome, Process, State, inspect,
    limits::{self, Counts, LaneKey, Limit, Usage, Window},
};
use tokio::sync::Mutex;

async fn define(pool: &Db, key: &str, counts: Counts, windows: &[(u32, u64)], cap: Option<u32>) {
    let mut limit = Limit::new(key, counts);
    limit.in_flight = cap;
    limit.windows = windows
        .iter()
        .map(|(amount, ms)| Window::requests((*amount).into(), Duration::from_millis(*ms)))
        .collect();
    limits::define(pool, &limit).await.unwrap();
    limits::set_lane(pool, "calls", key, &[LaneKey::new(key)]).await.unwrap();
}

const START: Counts = Counts::Start { guard: Duration::ZERO };

/// Returns the most grants in any half-open window of `period`, from the ledger's own rows.
async fn most_in(pool: &Db, key: &str, ms: i64) -> i64 {
    sqlx::query_scalar(
        "select coalesce(max(n), 0)::bigint from (
            select sum(requests) over (order by at range between ($2 * interval '1 millisecond' - interval '1 microsecond') preceding and current row) as n
            from queue.permit_grant g join queue.limit_key k on k.id = g.key where k.name = $1) x",
    )
    .bind(key)
    .bind(ms)
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn no_window_is_exceeded_by_eight_claimers_of_a_full_backlog() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(5, 400), (12, 2_000)], None).await;
    let jobs: Vec<_> = (0..200).map(|_| call("k")).collect();
    add_all(&pool, &jobs).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(4);
    let claimers: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut hand = ByHand::register(pool).await;
                let mut got = 0;
                while tokio::time::Instant::now() < deadline {
                    got += hand.claim("calls", 7).await.len();
                }
                got
            })
        })
        .collect();
    let mut total = 0;
    for claimer in claimers {
        total += claimer.await.unwrap();
    }
    assert_eq!(most_in(&pool, "k", 400).await, 5);
    assert_eq!(most_in(&pool, "k", 2_000).await, 12);
    assert!((24..=36).contains(&total), "12 in any 2 s, for 4 s: {total}");
}

/// Shows why a claim locks and reads in two statements: a single one would sum by a snapshot older
/// than its lock.
#[tokio::test]
async fn lock_and_sum_in_one_statement_would_grant_too_much() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::raw_sql("create table lim (k int primary key); insert into lim values (1); create table led (n int)")
        .execute(&pool)
        .await
        .unwrap();
    let claim = "with l as materialized (select k from lim for no key update)
        insert into led select 1 from l where (select count(*) from led) < 1";
    let mut first = pool.begin().await.unwrap();
    sqlx::query(claim).execute(&mut *first).await.unwrap();
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { sqlx::query(claim).execute(&pool).await.unwrap().rows_affected() }
    });
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    bellwether_testing::wait_until("the second to wait for the lock", || async {
        (count(&pool, waiting).await == 1).then_some(())
    })
    .await;
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 1, "two of one: the reason for two statements");
}

#[tokio::test]
async fn a_key_that_counts_from_the_finish_holds_its_place_while_a_call_is_in_flight() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(2, 600)], None).await;
    let jobs: Vec<_> = (0..6).map(|_| call("k")).collect();
    add_all(&pool, &jobs).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let first = hand.claim("calls", 10).await;
    assert_eq!(first.len(), 2);
    assert!(hand.claim("calls", 10).await.is_empty(), "both places are in flight");
    let lease = 1;
    assert!(hand.complete_with_lease(first[0].id, lease, true).await);
    let room = limits::capacity(&pool, "k").await.unwrap().unwrap();
    assert_eq!(
        (room.permits, room.longest, room.waiting),
        (0, 0, 4),
        "before any claim folds it in"
    );
    assert!(
        hand.claim("calls", 10).await.is_empty(),
        "an ended call counts for the period after its end"
    );
    // a call that was not made costs nothing
    assert!(hand.complete_with_lease(first[1].id, lease, false).await);
    assert_eq!(hand.claim("calls", 10).await.len(), 1, "its place is free at once");
    let next: f64 =
        sqlx::query_scalar("select extract(epoch from queue.next_work('calls'))::float8 * 1000")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(next > 0.0 && next <= 600.0, "the first call leaves the window in {next} ms");
}

#[tokio::test]
async fn an_ended_call_leaves_the_window_also_without_claims() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(1, 50)], None).await;
    add(&pool, &call("k")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 1).await;
    assert!(hand.complete(got[0].id, true).await);
    bellwether_testing::wait_until("the window to be empty", || async {
        let view = inspect::limits(&pool).await.unwrap().remove(0);
        let room = limits::capacity(&pool, "k").await.unwrap().unwrap();
        (view.windows[0].used == 0 && room.permits == 1).then_some(())
    })
    .await;
    assert_eq!(
        count(&pool, "select count(*) from queue.settlement").await,
        1,
        "no claim has folded it"
    );
}

#[tokio::test]
async fn a_lost_attempt_is_taken_to_have_made_its_call() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(1, 3_600_000)], None).await;
    add_all(&pool, &[call("k"), call("k")]).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 1);
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap();
    let mut other = ByHand::register(pool.clone()).await;
    assert!(other.claim("calls", 10).await.is_empty());
    let view = &inspect::limits(&pool).await.unwrap()[0];
    assert_eq!((view.windows[0].used, view.windows[0].remaining, view.waiting), (1, 0, 2));
}

#[tokio::test]
async fn an_exhausted_lane_blocks_no_other() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "full", START, &[(1, 3_600_000)], None).await;
    define(&pool, "open", START, &[(100, 1_000)], None).await;
    let mut jobs: Vec<_> = (0..500).map(|_| call("full")).collect();
    for job in &mut jobs {
        job.priority = 0;
    }
    add_all(&pool, &jobs).await;
    let mine = add_all(&pool, &[call("open"), call("free"), call("open")]).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 1).await[0].lane, "full");
    let got: Vec<i64> = hand.claim("calls", 10).await.iter().map(|g| g.id).collect();
    assert_eq!(got, mine.iter().map(|id| id.0).collect::<Vec<_>>());
    let states = counted(&pool).await;
    assert_eq!(states.get("parked"), Some(&499), "and people see why they wait: {states:?}");
}

#[tokio::test]
async fn a_park_stops_the_key_at_once_and_the_longer_one_wins() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(100, 1_000)], None).await;
    add(&pool, &call("k")).await;
    let mut conn = pool.pool().acquire().await.unwrap();
    let long = limits::park(&mut conn, "k", Duration::from_mins(1), "429").await.unwrap().unwrap();
    let still =
        limits::park(&mut conn, "k", Duration::from_secs(5), "another").await.unwrap().unwrap();
    assert_eq!(long, still);
    assert_eq!(
        limits::park(&mut conn, "unknown", Duration::from_secs(5), "x").await.unwrap(),
        None
    );
    let mut hand = ByHand::register(pool.clone()).await;
    assert!(hand.claim("calls", 10).await.is_empty());
    let view = &inspect::limits(&pool).await.unwrap()[0];
    assert_eq!(view.parked_why.as_deref(), Some("429"));
    // Defined again, as at every start of a worker, the key stays parked.
    define(&pool, "k", START, &[(100, 1_000)], None).await;
    assert!(hand.claim("calls", 10).await.is_empty());
    let mut tx = pool.begin().await.unwrap();
    assert!(limits::resume(&mut tx, "k").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(hand.claim("calls", 10).await.len(), 1);
}

#[tokio::test]
async fn a_full_key_beyond_its_fallback_time_lets_the_next_one_serve() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "best", START, &[(2, 60_000)], None).await;
    define(&pool, "second", START, &[(100, 1_000)], None).await;
    limits::set_lane(
        &pool,
        "calls",
        "model",
        &[LaneKey::new("best").fallback_after(Duration::from_secs(1)), LaneKey::new("second")],
    )
    .await
    .unwrap();
    add_all(&pool, &(0..5).map(|_| call("model")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let keys: Vec<_> = hand.claim("calls", 10).await.into_iter().map(|g| g.key.unwrap()).collect();
    assert_eq!(keys, ["best", "best", "second", "second", "second"]);
}

#[tokio::test]
async fn a_cap_on_calls_in_flight_holds_and_a_freed_place_is_taken() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(1_000, 1_000)], Some(3)).await;
    add_all(&pool, &(0..6).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 10).await;
    assert_eq!(got.len(), 3);
    assert!(hand.claim("calls", 10).await.is_empty());
    assert!(hand.complete_with_lease(got[0].id, 1, true).await);
    assert_eq!(hand.claim("calls", 10).await.len(), 1);
}

#[tokio::test]
async fn the_ledger_rises_even_if_its_last_row_lies_in_the_future() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(9, 3_600_000)], None).await;
    sqlx::query("insert into queue.permit_grant (key, at, kind, requests, cum_requests) select id, clock_timestamp() + interval '3 seconds', 'grant', 4, 4 from queue.limit_key")
        .execute(&pool)
        .await
        .unwrap();
    add_all(&pool, &(0..9).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 2).await.len(), 2);
    let last = "select cum_requests from queue.permit_grant order by at desc limit 1";
    assert_eq!(count(&pool, last).await, 6);
    assert_eq!(hand.claim("calls", 9).await.len(), 3, "nine in all");
}

#[tokio::test]
async fn redefining_a_key_keeps_what_was_granted() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(2, 3_600_000)], None).await;
    add_all(&pool, &(0..6).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 2);
    define(&pool, "k", START, &[(3, 3_600_000)], None).await;
    assert_eq!(hand.claim("calls", 10).await.len(), 1, "two of three are used");
}

const PERMIT_GOOD_FOR: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_second_request_takes_a_second_permit() {
    for counts in [Counts::Start { guard: Duration::from_millis(500) }, Counts::Finish] {
        // a claim's own permit that is taken late is exchanged, which another test covers
        while a_second_permit(counts).await > PERMIT_GOOD_FOR {}
    }
}

/// Returns the time from the claim to its permit at most.
async fn a_second_permit(counts: Counts) -> Duration {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", counts, &[(2, 3_600_000)], None).await;
    let process = Process::start(config(&db, "w", &[("calls", 2)])).await.unwrap();
    let mut attempts = process.subscribe("calls");
    let asked = std::time::Instant::now();
    let id = add(&pool, &call("k")).await;
    let attempt = attempts.recv().await.unwrap();
    assert_eq!(attempt.key(), Some("k"));
    attempt.take_permit().await.expect("the claim's own");
    let took = asked.elapsed();
    if took <= PERMIT_GOOD_FOR {
        attempt.take_permit().await.expect("the second of two");
        let refused = attempt.take_permit().await.unwrap_err();
        assert!(matches!(&refused, Error::NotGranted(n) if n.key == "k"), "{refused}");
        attempt.finish(Outcome::Complete);
        until_state(&pool, id, State::Completed).await;
        let view = &inspect::limits(&pool).await.unwrap()[0];
        assert_eq!(view.windows[0].used, 2, "{counts:?}: two calls, each counted once");
    } else {
        attempt.finish(Outcome::Complete);
    }
    process.close(Duration::from_secs(1)).await.unwrap();
    took
}

/// Exchanges a permit by hand; `None`: granted, else the milliseconds until the next.
async fn exchange(hand: &ByHand, job: i64, spent: bool) -> Option<f64> {
    sqlx::query_scalar(
        "select extract(epoch from p - clock_timestamp())::float8 * 1000 from queue.exchange_permit($1, $2, $3, $4, null, null, null) p",
    )
    .bind(hand.process)
    .bind(job)
    .bind(hand.lease)
    .bind(spent)
    .fetch_one(&hand.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_exchange_at_the_cap_in_flight_still_obeys_the_shortest_window() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(1, 3_600_000), (9, 7_200_000)], Some(1)).await;
    add(&pool, &call("k")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let job = hand.claim("calls", 1).await[0].id;
    let wait = exchange(&hand, job, true).await.expect("the hour's only permit is spent");
    assert!(wait > 3_500_000.0, "and says when the next one comes: {wait} ms");
    // Its own call in flight does not count against it.
    define(&pool, "k", START, &[(2, 3_600_000), (9, 7_200_000)], Some(1)).await;
    assert_eq!(exchange(&hand, job, true).await, None);
    assert_eq!(most_in(&pool, "k", 3_600_000).await, 2);
}

#[tokio::test]
async fn an_exchange_counts_the_attempts_own_call_in_flight_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(2, 3_600_000)], None).await;
    add(&pool, &call("k")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let job = hand.claim("calls", 1).await[0].id;
    assert_eq!(exchange(&hand, job, false).await, None, "late, but its own place is free");
    assert_eq!(exchange(&hand, job, true).await, None, "one is settled, one in flight");
    let wait = exchange(&hand, job, true).await.expect("two are settled");
    assert!(wait > 3_500_000.0, "until the first leaves the window: {wait} ms");
    define(&pool, "k", Counts::Finish, &[(1, 3_600_000)], None).await;
    let wait = exchange(&hand, job, false).await.expect("one at most");
    assert!(wait > 3_500_000.0, "no call but its own has to end first: {wait} ms");
}

#[tokio::test]
async fn a_permit_is_good_no_longer_than_its_keys_guard() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", START, &[(5, 3_600_000)], None).await;
    let process = Process::start(config(&db, "w", &[("calls", 1)])).await.unwrap();
    let mut attempts = process.subscribe("calls");
    add(&pool, &call("k")).await;
    let attempt = attempts.recv().await.unwrap();
    attempt.take_permit().await.unwrap();
    assert_eq!(most_in(&pool, "k", 3_600_000).await, 2, "without a guard it is late at once");
    attempt.finish(Outcome::Complete);
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_key_that_this_claim_fills_keeps_its_fallback_time() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "best", START, &[(2, 60_000)], None).await;
    define(&pool, "second", START, &[(100, 1_000)], None).await;
    let keys =
        [LaneKey::new("best").fallback_after(Duration::from_secs(90)), LaneKey::new("second")];
    limits::set_lane(&pool, "calls", "model", &keys).await.unwrap();
    add_all(&pool, &(0..5).map(|_| call("model")).collect::<Vec<_>>()).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let keys: Vec<_> = hand.claim("calls", 10).await.into_iter().map(|g| g.key.unwrap()).collect();
    assert_eq!(keys, ["best", "best"], "a minute is within the fallback time");
}

#[tokio::test]
async fn a_permit_of_a_rescued_attempt_is_refused() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(5, 1_000)], None).await;
    let process = Process::start(config(&db, "w", &[("calls", 2)])).await.unwrap();
    let mut attempts = process.subscribe("calls");
    add(&pool, &call("k")).await;
    let attempt = attempts.recv().await.unwrap();
    attempt.take_permit().await.unwrap();
    sqlx::query("delete from queue.running").execute(&pool).await.unwrap();
    assert!(attempt.take_permit().await.unwrap_err().is_lease_lost());
    attempt.finish(Outcome::Complete);
    process.close(Duration::from_secs(1)).await.unwrap();
}

/// Counts arrivals as a provider would, from two processes at full load.
#[tokio::test]
async fn calls_of_two_processes_arrive_within_the_window_whatever_their_latency() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(4, 500)], None).await;
    let jobs: Vec<_> = (0..400).map(|_| call("k")).collect();
    add_all(&pool, &jobs).await;
    let arrivals: Arc<Mutex<Vec<tokio::time::Instant>>> = Arc::default();
    let mut processes = Vec::new();
    for name in ["a", "b"] {
        let process = Process::start(config(&db, name, &[("calls", 10)])).await.unwrap();
        let arrivals = Arc::clone(&arrivals);
        work(&process, "calls", move |attempt| {
            let arrivals = Arc::clone(&arrivals);
            async move {
                if let Err(none) = attempt.take_permit().await {
                    return Outcome::Failed(none.into());
                }
                // a latency that differs from call to call
                let ms = u64::try_from(attempt.job().0 % 7).unwrap() * 9;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                arrivals.lock().await.push(tokio::time::Instant::now());
                Outcome::Complete
            }
        });
        processes.push(process);
    }
    bellwether_testing::wait_until("24 calls", || async {
        (arrivals.lock().await.len() >= 24).then_some(())
    })
    .await;
    for process in &processes {
        process.close(Duration::from_secs(2)).await.unwrap();
    }
    let mut times = arrivals.lock().await.clone();
    times.sort_unstable();
    let period = Duration::from_millis(500);
    let worst =
        times.iter().map(|t| times.iter().filter(|u| *u <= t && *t - **u < period).count()).max();
    assert!(worst <= Some(4), "{worst:?} calls arrived in one window");
    let mut jobs = HashMap::new();
    for row in sqlx::query_as::<_, (i64, i16)>("select id, attempt from queue.done")
        .fetch_all(&pool)
        .await
        .unwrap()
    {
        jobs.insert(row.0, row.1);
    }
    assert!(jobs.values().all(|attempt| *attempt == 1), "waiting for a limit spends no attempt");
}

#[tokio::test]
async fn the_longest_window_lists_its_calls_and_when_they_are_given_back() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    assert!(limits::longest_window(&pool, "k").await.unwrap().is_none(), "no such key");
    define(&pool, "k", START, &[(5, 400), (12, 3_600_000)], None).await;
    add_all(&pool, &[call("k"), call("k"), call("k")]).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let claimed = hand.claim("calls", 2).await.len();
    let window = limits::longest_window(&pool, "k").await.unwrap().unwrap();
    assert_eq!((window.amount, claimed, window.calls.len()), (12, 2, 2));
    assert_eq!(window.renewal, limits::Renewal::Rolling(Duration::from_hours(1)));
    assert!(window.calls.is_sorted());

    let mut tx = pool.begin().await.unwrap();
    limits::record_external_usage(&mut tx, "k", 4, Usage::default()).await.unwrap();
    tx.commit().await.unwrap();
    let window = limits::longest_window(&pool, "k").await.unwrap().unwrap();
    assert_eq!(window.calls.len(), 6);
}

#[tokio::test]
async fn a_call_in_flight_is_in_the_longest_window_of_a_key_that_counts_from_the_finish() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    define(&pool, "k", Counts::Finish, &[(12, 3_600_000)], None).await;
    add_all(&pool, &[call("k"), call("k")]).await;
    let mut hand = ByHand::register(pool.clone()).await;
    assert_eq!(hand.claim("calls", 2).await.len(), 2);
    let window = limits::longest_window(&pool, "k").await.unwrap().unwrap();
    assert_eq!(window.calls.len(), 2);
}
