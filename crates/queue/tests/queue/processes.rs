//! Processes: leases, rescue, wake-ups, drain.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::*;
use bellwether_queue::{
    Attempt, Failure, Handlers, Job, JobArgs, NewJob, Outcome, Process, State, control, inspect,
    limits,
};
use bellwether_testing::{wait_until, wait_until_within};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[tokio::test]
async fn jobs_of_a_process_without_a_heartbeat_run_elsewhere_within_thirty_seconds() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let id = add(&pool, &note("orphan")).await;
    let mut dead = ByHand::register(pool.clone()).await;
    assert_eq!(dead.claim("notes", 1).await.len(), 1);
    let process = Process::start(config(&db, "live", &[("notes", 2)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    wait_until_within(Duration::from_secs(30), "the rescue", || async {
        (state(&pool, id).await == State::Completed).then_some(())
    })
    .await;
    let workers = inspect::workers(&pool).await.unwrap();
    assert!(workers.iter().any(|w| w.dead && w.name == "by hand"), "{workers:?}");
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_process_has_a_heartbeat_is_never_rescued() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let owner = Process::start(config(&db, "owner", &[("notes", 1)])).await.unwrap();
    let other = Process::start(config(&db, "other", &[("calls", 1)])).await.unwrap();
    let mut attempts = owner.subscribe("notes");
    let id = add(&pool, &note("long")).await;
    let attempt = attempts.recv().await.unwrap();
    // Longer than the time after which a process is dead: the heartbeats of both go on.
    let beats = || async {
        let n: i64 = sqlx::query_scalar("select min(beat) from queue.process")
            .fetch_one(&pool)
            .await
            .unwrap();
        (n >= 7).then_some(())
    };
    wait_until_within(Duration::from_secs(40), "seven heartbeats", beats).await;
    assert_eq!(state(&pool, id).await, State::Running);
    assert!(!attempt.cancelled().is_cancelled());
    attempt.finish(Outcome::Complete);
    owner.close(Duration::from_secs(1)).await.unwrap();
    other.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(state(&pool, id).await, State::Completed);
}

#[tokio::test]
async fn a_process_declared_dead_stops_its_attempts_and_registers_again() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let id = add(&pool, &note("twice")).await;
    let first = attempts.recv().await.unwrap();
    sqlx::query("select queue.rescue(array(select id from queue.process))")
        .execute(&pool)
        .await
        .unwrap();
    first.cancelled().cancelled().await;
    first.finish(Outcome::Complete);
    let second = attempts.recv().await.unwrap();
    assert_eq!((second.job(), second.number()), (id, 2));
    second.finish(Outcome::Complete);
    until_state(&pool, id, State::Completed).await;
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_queue_never_hands_out_more_than_its_free_slots() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    add_all(&pool, &(0..10).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(attempts.recv().await.unwrap());
    }
    assert!(attempts.try_recv().is_err());
    assert_eq!(count(&pool, "select count(*) from queue.running").await, 3);
    held.pop().unwrap().finish(Outcome::Complete);
    held.push(attempts.recv().await.unwrap());
    assert!(count(&pool, "select count(*) from queue.running").await <= 4, "one ends, one begins");
    // Fewer slots, set for every process, take effect while jobs run.
    assert!(control::set_concurrency(&pool, "notes", Some(1)).await.unwrap());
    wait_until("the setting", || async { (process.in_use()["notes"] == 3).then_some(()) }).await;
    for attempt in held.drain(..) {
        attempt.finish(Outcome::Complete);
    }
    wait_until("a single slot", || async { (process.in_use()["notes"] <= 1).then_some(()) }).await;
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_paused_queue_is_not_claimed_and_a_resumed_one_at_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    assert!(control::pause(&pool, "notes").await.unwrap());
    assert!(!control::pause(&pool, "unknown").await.unwrap());
    let id = add(&pool, &note("x")).await;
    assert_eq!(inspect::why(&pool, id).await.unwrap().unwrap().reason, "the queue notes is paused");
    assert_eq!(state(&pool, id).await, State::Available);
    control::resume(&pool, "notes").await.unwrap();
    until_state(&pool, id, State::Completed).await;
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn work_is_found_without_notifications() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut deaf = config(&db, "deaf", &[("notes", 3)]);
    deaf.direct = deaf.direct.clone();
    let process = Process::start(deaf).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    // No process is notified: the flag that enqueuers check is reset again and again.
    for i in 0..3 {
        sqlx::query("update queue.process set idle = '{}'").execute(&pool).await.unwrap();
        let id = add(&pool, &note(&i.to_string())).await;
        until_state(&pool, id, State::Completed).await;
    }
    process.close(Duration::from_secs(1)).await.unwrap();
}

/// Counts the claims of a worker, without changing their results.
async fn count_looks(pool: &Db) {
    sqlx::raw_sql(
        "create sequence looks;
        alter function queue.next_work rename to next_work_uncounted;
        create function queue.next_work(p_queue text, p_lanes integer[], p_priorities smallint[], p_ids bigint[]) returns interval language sql as $$
        select nextval('looks'); select queue.next_work_uncounted(p_queue, p_lanes, p_priorities, p_ids) $$",
    )
    .execute(pool)
    .await
    .unwrap();
}

/// Returns once the next claim is nearly as far away as the backoff goes.
async fn until_it_looks_seldom(pool: &Db) {
    sqlx::query("select setval('looks', 1)").execute(pool).await.unwrap();
    wait_until("eight claims", || async {
        (count(pool, "select last_value from looks").await >= 9).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_notification_alone_finds_work_at_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    count_looks(&pool).await;
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    for i in 0..4 {
        until_it_looks_seldom(&pool).await;
        add(&pool, &note(&i.to_string())).await;
        wait_until("the end", || async {
            (count(&pool, "select count(*) from queue.done").await > i).then_some(())
        })
        .await;
    }
    let slowest: f64 = sqlx::query_scalar(
        "select max(extract(epoch from claimed_at - created_at))::float8 from queue.done",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(slowest < 0.4, "the poll would have found it up to a second later: {slowest} s");
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_process_asks_for_notifications_only_while_it_has_a_free_slot() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let until_idle = async |wanted: i64| {
        let idle = "select count(*) from queue.process where idle = '{notes}'";
        wait_until(&format!("{wanted} idle"), || async {
            (count(&pool, idle).await == wanted).then_some(())
        })
        .await;
    };
    until_idle(1).await;
    add(&pool, &note("holds the slot")).await;
    let held = attempts.recv().await.unwrap();
    until_idle(0).await;
    held.finish(Outcome::Complete);
    until_idle(1).await;
    process.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_freed_place_among_the_calls_in_flight_is_taken_at_once() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    count_looks(&pool).await;
    let limit = limits::Limit::new("k", limits::Counts::Finish).in_flight(1);
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "k", &[limits::LaneKey::new("k")]).await.unwrap();
    let process = Process::start(config(&db, "w", &[("calls", 3)])).await.unwrap();
    let mut attempts = process.subscribe("calls");
    add_all(&pool, &(0..5).map(|_| call("k")).collect::<Vec<_>>()).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..4 {
        let attempt = attempts.recv().await.unwrap();
        until_it_looks_seldom(&pool).await;
        let ended = std::time::Instant::now();
        attempt.finish(Outcome::Complete);
        wait_until("the next claim", || async { (process.in_use()["calls"] == 1).then_some(()) })
            .await;
        slowest = slowest.max(ended.elapsed());
    }
    assert!(
        slowest < Duration::from_millis(400),
        "the poll would have found it later: {slowest:?}"
    );
    process.close(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_time_comes_is_claimed_by_the_timer_alone() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    let now = bellwether_queue::schedule::now(&pool).await.unwrap();
    let mut jobs = Vec::new();
    for ms in [1_500, 2_700, 3_900] {
        let mut job = note(&ms.to_string());
        job.due_at = Some(now + chrono::TimeDelta::milliseconds(ms));
        // Told apart in `done` by their largest number of attempts.
        job.max_attempts = u16::try_from(ms / 300).unwrap();
        jobs.push(job);
    }
    add_all(&pool, &jobs).await;
    wait_until("all three", || async {
        (count(&pool, "select count(*) from queue.done").await == 3).then_some(())
    })
    .await;
    let late: f64 = sqlx::query_scalar(
        "select max(extract(epoch from claimed_at - $1) - 0.3 * max_attempts)::float8 from queue.done",
    )
    .bind(now)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!((0.0..0.3).contains(&late), "{late} s after their time");
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn due_jobs_that_the_process_cannot_run_are_searched_ever_less_often() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // Jobs are always due and can never be claimed; each claim is counted.
    sqlx::query("create sequence looks").execute(&pool).await.unwrap();
    sqlx::query(
        "create or replace function queue.next_work(p_queue text, p_lanes integer[] default '{}', p_priorities smallint[] default '{}', p_ids bigint[] default '{}') returns interval language sql as $$
        select nextval('looks') * interval '0' $$",
    )
    .execute(&pool)
    .await
    .unwrap();
    let began = std::time::Instant::now();
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let _attempts = process.subscribe("notes");
    wait_until("twelve claims", || async {
        (count(&pool, "select last_value from looks").await >= 12).then_some(())
    })
    .await;
    assert!(began.elapsed() > Duration::from_millis(500), "{:?}", began.elapsed());
    process.close(Duration::ZERO).await.unwrap();
}

/// Jobs of an unknown kind keep coming; each claim takes as long as a scan over a hundred thousand
/// of them.
#[tokio::test]
async fn unknown_kinds_at_a_lanes_head_are_scanned_seldom_despite_notifications() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::raw_sql(
        "create sequence claims;
        alter function queue.claim rename to claim_quick;
        create function queue.claim(p_process uuid, p_lease bigint, p_queue text, p_limit integer, p_kinds text[],
            p_lanes integer[], p_priorities smallint[], p_ids bigint[])
        returns setof queue.claimed
        language sql as $$
            select nextval('claims'), pg_sleep(0.02);
            select * from queue.claim_quick(p_process, p_lease, p_queue, p_limit, p_kinds, p_lanes, p_priorities, p_ids) $$",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut strange = note("from a newer release");
    strange.kind = "unheard_of".into();
    add(&pool, &strange).await;
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    wait_until("the first empty claims", || async {
        (count(&pool, "select last_value from claims").await >= 6).then_some(())
    })
    .await;
    let before = count(&pool, "select last_value from claims").await;
    let began = std::time::Instant::now();
    for _ in 0..200 {
        add(&pool, &strange).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let looks = count(&pool, "select last_value from claims").await - before;
    assert!(looks as f64 <= 2.0 + 3.0 * seconds, "{looks} scans in {seconds} s");
    // And a job of a known kind behind them is found.
    let known = add(&pool, &note("known")).await;
    until_state(&pool, known, State::Completed).await;
    assert_eq!(
        count(&pool, "select count(*) from queue.ready where kind = 'unheard_of'").await,
        201
    );
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_lost_lease_is_counted_once_however_often_it_is_noticed() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    add(&pool, &note("x")).await;
    let attempt = attempts.recv().await.unwrap();
    sqlx::query("delete from queue.running").execute(&pool).await.unwrap();
    attempt.cancelled().cancelled().await;
    let mut conn = pool.pool().acquire().await.unwrap();
    assert!(attempt.complete_in(&mut conn).await.unwrap_err().is_lease_lost());
    attempt.finish(Outcome::Complete);
    process.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(process.lost_leases(), 1);
}

#[tokio::test]
async fn closing_waits_for_attempts_and_releases_those_that_do_not_end() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 2)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let ids = add_all(&pool, &[note("ends"), note("hangs"), note("waits")]).await;
    let ends = attempts.recv().await.unwrap();
    let hangs = attempts.recv().await.unwrap();
    process.stop_claiming();
    ends.finish(Outcome::Complete);
    process.close(Duration::from_millis(50)).await.unwrap();
    assert!(attempts.recv().await.is_none(), "nothing is claimed any more");
    assert!(hangs.cancelled().is_cancelled());
    assert_eq!(state(&pool, ids[0]).await, State::Completed);
    let hung = inspect::find(&pool, ids[1]).await.unwrap().unwrap();
    assert_eq!(
        (hung.job.state, hung.job.attempt),
        (State::Available, 0),
        "released, its attempt not spent"
    );
    assert_eq!(state(&pool, ids[2]).await, State::Available);
    assert_eq!(count(&pool, "select count(*) from queue.process where ended_at is null").await, 0);
}

#[tokio::test]
async fn completions_outlive_a_database_that_drops_every_connection() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 20)])).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    work(&process, "notes", move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Outcome::Complete }
    });
    for round in 0..5 {
        let jobs: Vec<_> = (0..100).map(|i| note(&format!("{round}/{i}"))).collect();
        add_all(&pool, &jobs).await;
        sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
            .execute(&pool)
            .await
            .ok();
    }
    let done = || async {
        let n: Result<i64, _> =
            sqlx::query_scalar("select count(*) from queue.done").fetch_one(&pool).await;
        (n.ok()? == 500).then_some(())
    };
    wait_until_within(Duration::from_mins(1), "every job to be done", done).await;
    let lost = count(&pool, "select count(*) from queue.attempt").await;
    let ran = runs.load(Ordering::SeqCst) as i64;
    assert!(ran <= 500 + lost, "{ran} runs, {lost} of them explained by a row");
    process.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn neither_an_urgent_job_nor_a_late_one_waits_for_the_end_of_a_backlog() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("makes the lane, which would be waited for")).await;
    let mut late = pool.begin().await.unwrap();
    let late_id = bellwether_queue::enqueue(&mut *late, note("late")).await.unwrap().id;
    let backlog: Vec<_> = (0..5_000).map(|i| note(&i.to_string())).collect();
    for _ in 0..4 {
        add_all(&pool, &backlog).await;
    }
    let process = Process::start(config(&db, "w", &[("notes", 50)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    for _ in 0..2_000 {
        attempts.recv().await.unwrap().finish(Outcome::Complete);
    }
    late.commit().await.unwrap();
    let mut urgent = note("urgent");
    urgent.priority = 0;
    let urgent = add(&pool, &urgent).await;
    let mut wanted = vec![late_id, urgent];
    let mut seen = 0;
    while !wanted.is_empty() {
        let attempt = attempts.recv().await.unwrap();
        wanted.retain(|id| *id != attempt.job());
        attempt.finish(Outcome::Complete);
        seen += 1;
    }
    assert!(seen < 17_000, "{seen} of 18,000 went first");
    process.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_kind_that_the_handlers_lack_is_left_in_its_queue() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    // the registry has the kind: other handlers may work it, in another queue
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    process.work("notes", Arc::new(Handlers::new().with::<Note>(())));
    let strange = add(&pool, &NewJob::of(&Refresh { what: "x".into() })).await;
    for i in 0..3 {
        let id = add(&pool, &note(&i.to_string())).await;
        until_state(&pool, id, State::Completed).await;
    }
    assert_eq!(state(&pool, strange).await, State::Available);
    assert_eq!(
        count(&pool, "select count(*) from queue.attempt").await,
        0,
        "no process claimed it"
    );
    let why = inspect::why(&pool, strange).await.unwrap().unwrap().reason;
    assert!(why.contains("or no worker of the queue notes knows the kind refresh"), "{why}");
    process.close(Duration::from_secs(1)).await.unwrap();
}

/// Takes a while to stop, and looks up its own job then.
#[derive(Serialize, Deserialize)]
struct Slow {}

impl JobArgs for Slow {
    const KIND: &'static str = "slow";
    const QUEUE: &'static str = "notes";
}

impl Job for Slow {
    type Context = (Db, mpsc::UnboundedSender<State>);
    type Output = ();

    async fn run(self, (db, seen): Self::Context, attempt: &Attempt) -> Result<(), Failure> {
        attempt.cancelled().cancelled().await;
        sqlx::query("select pg_sleep(0.5)").execute(&db).await?;
        seen.send(state(&db, attempt.job()).await).ok();
        Err(Failure::retry("told to stop"))
    }
}

#[tokio::test]
async fn a_closing_process_gives_a_job_back_after_its_handler_has_stopped() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let (send, mut seen) = mpsc::unbounded_channel();
    let handlers = Handlers::new().with::<Slow>((pool.clone(), send));
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    process.work("notes", Arc::new(handlers));
    let id = bellwether_queue::enqueue(&pool, Slow {}).await.unwrap().id;
    until_state(&pool, id, State::Running).await;
    process.close(Duration::ZERO).await.unwrap();
    assert_eq!(seen.recv().await, Some(State::Running), "no other process could claim it yet");
    let found = inspect::find(&pool, id).await.unwrap().unwrap();
    assert_eq!((found.job.state, found.job.attempt), (State::Available, 0));
    assert_eq!(found.attempts[0].outcome, "released");
}

#[tokio::test]
async fn a_process_that_is_dropped_releases_its_jobs_and_deregisters() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let id = add(&pool, &note("x")).await;
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let attempt = process.subscribe("notes").recv().await.unwrap();
    drop(process);
    attempt.cancelled().cancelled().await;
    until_state(&pool, id, State::Available).await;
    wait_until("its goodbye", || async {
        let sql = "select count(*) from queue.process where ended_at is not null";
        (count(&pool, sql).await == 1).then_some(())
    })
    .await;
    let outcome: String =
        sqlx::query_scalar("select outcome from queue.attempt").fetch_one(&pool).await.unwrap();
    assert_eq!(outcome, "released", "no attempt is spent");
}

#[tokio::test]
#[should_panic(expected = "was not configured for the queue \"calls\", but for {\"notes\"}")]
async fn a_queue_that_the_process_was_not_configured_for_is_named() {
    let db = database().await;
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    assert!(process.subscribe("calls").recv().await.is_none(), "it ends at once");
    process.work("calls", Arc::new(handlers()));
}
