//! Claims, the fence, and the ends of attempts.

use std::time::Duration;

use crate::support::*;
use bellwether_queue::{
    Error, Failure, Outcome, Process, State,
    control::{self, Commanded},
    inspect, limits,
};
use bellwether_testing::wait_until;
use tokio::sync::mpsc;

#[tokio::test]
async fn jobs_are_claimed_by_priority_then_age_and_never_twice() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut jobs: Vec<_> = (0..6).map(|i| note(&i.to_string())).collect();
    jobs[4].priority = 0;
    jobs[1].priority = 9;
    let ids = add_all(&pool, &jobs).await;
    let mut one = ByHand::register(pool.clone()).await;
    let mut two = ByHand::register(pool.clone()).await;
    let (a, b) = tokio::join!(one.claim("notes", 3), two.claim("notes", 3));
    let mut all: Vec<i64> = a.iter().chain(&b).map(|g| g.id).collect();
    all.sort_unstable();
    let mut wanted: Vec<i64> = ids.iter().map(|id| id.0).collect();
    wanted.sort_unstable();
    assert_eq!(all, wanted);

    let ids = add_all(&pool, &jobs).await;
    let order: Vec<i64> = one.claim("notes", 6).await.iter().map(|g| g.id).collect();
    assert_eq!(order, [ids[4], ids[0], ids[2], ids[3], ids[5], ids[1]].map(|id| id.0));
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_is_left_alone() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut strange = note("from a newer release");
    strange.kind = "unheard_of".into();
    let id = add(&pool, &strange).await;
    let known = add(&pool, &note("known")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("notes", 10).await;
    assert_eq!(got.iter().map(|g| g.id).collect::<Vec<_>>(), [known.0]);
    assert_eq!(state(&pool, id).await, State::Available);
}

#[tokio::test]
async fn an_attempt_that_lost_its_lease_can_write_nothing() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let id = add(&pool, &note("contested")).await;
    let mut zombie = ByHand::register(pool.clone()).await;
    let old = zombie.claim("notes", 1).await[0].id;
    let n: i32 = sqlx::query_scalar("select queue.rescue(array[$1::uuid])")
        .bind(zombie.process)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(n, 1);
    let mut live = ByHand::register(pool.clone()).await;
    let got = live.claim("notes", 1).await;
    assert_eq!((got[0].id, got[0].attempt), (id.0, 2), "the lost attempt is spent");

    assert!(!zombie.complete(old, false).await, "the zombie's completion is refused");
    assert_eq!(zombie.fail(old, "failed", None).await, None, "and so is its failure");
    assert_eq!(state(&pool, id).await, State::Running);
    assert!(live.complete(id.0, false).await);
    let outcomes: Vec<String> = inspect::find(&pool, id)
        .await
        .unwrap()
        .unwrap()
        .attempts
        .into_iter()
        .map(|a| a.outcome)
        .collect();
    assert_eq!(outcomes, ["lost", "completed"]);
}

#[tokio::test]
async fn an_older_lease_of_the_same_process_does_not_fit_a_newer_claim() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("twice")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let job = hand.claim("notes", 1).await[0].id;
    assert_eq!(hand.fail(job, "released", None).await.as_deref(), Some("available"));
    hand.claim("notes", 1).await;
    assert!(!hand.complete_with_lease(job, 1, false).await);
    hand.lease = 1;
    assert_eq!(hand.fail(job, "failed", None).await, None);
    hand.lease = 2;
    assert!(hand.complete_with_lease(job, 2, false).await);
}

#[tokio::test]
async fn a_process_declared_dead_claims_nothing() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    add(&pool, &note("x")).await;
    let hand = ByHand::register(pool.clone()).await;
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap();
    let error = sqlx::query("select * from queue.claim($1, 1, 'notes', 1, '{note}')")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "QU001");
}

#[tokio::test]
async fn a_claim_refuses_an_isolation_that_would_read_before_the_lock() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let hand = ByHand::register(pool.clone()).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("set transaction isolation level repeatable read").execute(&mut *tx).await.unwrap();
    let error = sqlx::query("select * from queue.claim($1, 1, 'notes', 1, '{note}')")
        .bind(hand.process)
        .execute(&mut *tx)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("read committed"), "{error}");
}

#[tokio::test]
async fn each_outcome_leads_to_its_state_and_spends_its_attempt_or_not() {
    // outcome, attempts allowed, state after, attempts counted after
    let cases = [
        ("failed", 5, "retryable", 1),
        ("failed", 1, "discarded", 1),
        ("panicked", 5, "retryable", 1),
        ("timed_out", 5, "retryable", 1),
        ("discarded", 5, "discarded", 1),
        ("undecodable", 5, "discarded", 1),
        ("snoozed", 1, "scheduled", 0),
        ("throttled", 1, "available", 0),
        ("released", 1, "available", 0),
        ("cancelled", 5, "cancelled", 1),
    ];
    let db = database().await;
    let pool = Db::direct(db.pool());
    for (outcome, max, wanted, attempts) in cases {
        let mut job = note(outcome);
        job.max_attempts = max;
        job.priority = 0;
        let id = add(&pool, &job).await;
        let mut hand = ByHand::register(pool.clone()).await;
        hand.claim("notes", 1).await;
        let state = hand.fail(id.0, outcome, None).await;
        assert_eq!(state.as_deref(), Some(wanted), "{outcome}");
        let found = inspect::find(&pool, id).await.unwrap().unwrap();
        assert_eq!(found.job.state.as_str(), wanted, "{outcome}");
        assert_eq!(found.job.attempt, attempts, "{outcome}");
        assert_eq!(found.attempts[0].outcome, outcome);
        // so that it does not meet the next case
        control::cancel(&pool, id).await.unwrap();
    }
}

#[tokio::test]
async fn the_default_backoff_grows_with_the_fourth_power_and_jitters() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let id = add(&pool, &note("again")).await;
    let mut hand = ByHand::register(pool.clone()).await;
    for attempt in 1..=3_i32 {
        assert_eq!(hand.claim("notes", 1).await.len(), 1);
        hand.fail(id.0, "failed", None).await;
        let wait: f64 = sqlx::query_scalar(
            "select extract(epoch from due_at - clock_timestamp())::float8 from queue.scheduled",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        let base = f64::from(attempt.pow(4));
        assert!(wait > base * 0.9 - 1.0 && wait <= base * 1.1, "attempt {attempt}: {wait} s");
        sqlx::query("update queue.scheduled set due_at = clock_timestamp()")
            .execute(&pool)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn effect_completion_and_follow_up_commit_together_or_not_at_all() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::query("create table effect (n int)").execute(&pool).await.unwrap();
    let process = Process::start(config(&db, "w", &[("notes", 4)])).await.unwrap();
    let (tx, mut rx) = mpsc::unbounded_channel();
    let work_pool = pool.clone();
    work(&process, "notes", move |attempt| {
        let (pool, tx) = (work_pool.clone(), tx.clone());
        async move {
            if attempt.kind() != "note" {
                return Outcome::Complete; // the follow-up
            }
            let first = attempt.number() == 1;
            let mut conn = pool.begin().await.unwrap();
            sqlx::query("insert into effect values (1)").execute(&mut *conn).await.unwrap();
            attempt.enqueue(&mut conn, Refresh { what: "next".into() }).await.unwrap();
            attempt.complete_in(&mut conn).await.unwrap();
            if first {
                conn.rollback().await.unwrap();
                return Outcome::Failed(Failure::new(
                    bellwether_queue::Verdict::Retry { after: Some(Duration::ZERO) },
                    "rolled back",
                ));
            }
            conn.commit().await.unwrap();
            tx.send(attempt.job()).unwrap();
            Outcome::Complete
        }
    });
    let mut only_note = note("effect");
    only_note.max_attempts = 2;
    let id = add(&pool, &only_note).await;
    assert_eq!(rx.recv().await.unwrap(), id);
    until_state(&pool, id, State::Completed).await;
    assert_eq!(count(&pool, "select count(*) from effect").await, 1);
    let children = inspect::find(&pool, id).await.unwrap().unwrap().children;
    assert_eq!(children.len(), 1, "the rolled-back attempt's follow-up does not exist");
    process.close(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn complete_in_without_the_lease_rolls_the_callers_work_back() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    add(&pool, &note("stolen")).await;
    let attempt = attempts.recv().await.unwrap();
    sqlx::query("delete from queue.running").execute(&pool).await.unwrap();
    sqlx::query("create table effect (n integer)").execute(&pool).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("insert into effect values (1)").execute(&mut *tx).await.unwrap();
    let error = attempt.complete_in(&mut tx).await.unwrap_err();
    assert!(matches!(error, Error::LeaseLost(_)), "{error}");
    // A handler that ignores the error.
    tx.commit().await.ok();
    assert_eq!(count(&pool, "select count(*) from effect").await, 0);
    assert!(attempt.cancelled().is_cancelled(), "the handler is told to stop");
    assert_eq!(count(&pool, "select count(*) from queue.done").await, 0);
    attempt.finish(Outcome::Complete);
    assert!(process.lost_leases() >= 1);
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_running_job_that_is_cancelled_is_told_to_stop_and_ends_cancelled() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let id = add(&pool, &note("long")).await;
    let attempt = attempts.recv().await.unwrap();
    assert_eq!(control::cancel(&pool, id).await.unwrap(), Commanded::Done(State::Running));
    attempt.cancelled().cancelled().await;
    assert!(attempt.is_cancelled());
    attempt.finish(Outcome::Cancelled);
    until_state(&pool, id, State::Cancelled).await;
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn retry_brings_a_finished_job_back_with_one_more_attempt() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut job = note("unique again");
    job.max_attempts = 1;
    let id = add(&pool, &job).await;
    let mut hand = ByHand::register(pool.clone()).await;
    hand.claim("notes", 1).await;
    hand.fail(id.0, "failed", None).await;
    assert_eq!(state(&pool, id).await, State::Discarded);
    assert_eq!(control::retry(&pool, id).await.unwrap(), Commanded::Done(State::Available));
    let found = inspect::find(&pool, id).await.unwrap().unwrap().job;
    assert_eq!((found.state, found.attempt, found.max_attempts), (State::Available, 1, 2));
    assert_eq!(add(&pool, &job).await, id, "it holds its key again");
    assert_eq!(
        control::retry(&pool, id).await.unwrap(),
        Commanded::NotApplicable(State::Available)
    );
    assert_eq!(
        control::retry(&pool, bellwether_queue::JobId(404)).await.unwrap(),
        Commanded::NotFound
    );
}

#[tokio::test]
async fn counts_from_deltas_equal_the_tables_after_every_kind_of_move() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let outcomes = ["failed", "snoozed", "throttled", "discarded", "released", "cancelled"];
    for (i, outcome) in outcomes.iter().enumerate() {
        let id = add(&pool, &note(&i.to_string())).await;
        hand.claim("notes", 1).await;
        hand.fail(id.0, outcome, None).await;
    }
    let jobs: Vec<_> = (0..10).map(|i| note(&format!("n{i}"))).collect();
    let ids = add_all(&pool, &jobs).await;
    let got = hand.claim("notes", 5).await;
    for g in &got[..3] {
        hand.complete(g.id, false).await;
    }
    control::cancel(&pool, ids[9]).await.unwrap();
    control::retry(&pool, ids[9]).await.unwrap();
    sqlx::query("update queue.scheduled set due_at = clock_timestamp()")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("select queue.promote()").execute(&pool).await.unwrap();
    sqlx::query("select queue.rescue(array[$1::uuid])")
        .bind(hand.process)
        .execute(&pool)
        .await
        .unwrap();

    for folded in [false, true] {
        if folded {
            sqlx::query("select queue.fold()").execute(&pool).await.unwrap();
            assert_eq!(count(&pool, "select count(*) from queue.delta").await, 0);
        }
        let queues = inspect::queues(&pool).await.unwrap();
        let depth = &queues.iter().find(|q| q.name == "notes").unwrap().depth;
        let counted = counted(&pool).await;
        for state in State::ALL {
            let told = depth.get(&state).copied().unwrap_or(0);
            let there = counted.get(state.as_str()).copied().unwrap_or(0);
            assert_eq!(told, there, "{state}, folded: {folded}");
        }
    }
}

#[tokio::test]
async fn a_running_row_that_its_process_does_not_know_is_recovered_by_it() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 1)])).await.unwrap();
    let id = add(&pool, &note("forgotten")).await;
    let mut attempts = process.subscribe("notes");
    let attempt = attempts.recv().await.unwrap();
    // The claim's answer never arrives: the row stays, and the process does not know it.
    sqlx::query("update queue.running set lease = lease + 1000, claimed_at = claimed_at - interval '1 minute'")
        .execute(&pool)
        .await
        .unwrap();
    attempt.cancelled().cancelled().await;
    attempt.finish(Outcome::Complete);
    let again = attempts.recv().await.unwrap();
    assert_eq!((again.job(), again.number()), (id, 2));
    again.finish(Outcome::Complete);
    wait_until("completion", || async {
        (state(&pool, id).await == State::Completed).then_some(())
    })
    .await;
    process.close(Duration::from_secs(1)).await.unwrap();
}

/// No job's transaction updates a row that others share: two handlers with open transactions have
/// done all that a handler does, to jobs of one kind in one lane, and neither waits.
#[tokio::test]
async fn open_transactions_of_two_handlers_share_no_row() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit = limits::Limit::new("k", limits::Counts::Finish)
        .window(limits::Window::requests(100, Duration::from_mins(1)));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "k", &[limits::LaneKey::new("k")]).await.unwrap();
    let waits_for = add_all(&pool, &[call("k"), call("k"), call("k")]).await;
    add(&pool, &note("child").after(&waits_for, bellwether_queue::OnFailure::Cascade)).await;
    let mut hand = ByHand::register(pool.clone()).await;
    let got = hand.claim("calls", 3).await;
    let mut open = Vec::new();
    for job in &got {
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("set local lock_timeout = '2s'").execute(&mut *tx).await.unwrap();
        bellwether_queue::enqueue_all(&mut *tx, &[note("next"), call("k")]).await.unwrap();
        let done: Option<i64> = sqlx::query_scalar(
            "select job from queue.complete($1, $2, $3, '{t}', '{f}', '{null}', '{null}', '{null}')",
        )
        .bind(hand.process)
        .bind(vec![job.id])
        .bind(vec![hand.lease])
        .fetch_optional(&mut *tx)
        .await
        .unwrap();
        assert_eq!(done, Some(job.id));
        open.push(tx);
    }
    // Nor do they block claims under the same key.
    add(&pool, &call("k")).await;
    assert_eq!(hand.claim("calls", 1).await.len(), 1);
    for tx in open {
        tx.commit().await.unwrap();
    }
    assert_eq!(count(&pool, "select count(*) from queue.done").await, 3);
}

#[tokio::test]
async fn a_locked_process_row_delays_no_other_rescue() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut dead = [ByHand::register(pool.clone()).await, ByHand::register(pool.clone()).await];
    let ids = add_all(&pool, &[note("a"), note("b")]).await;
    for hand in &mut dead {
        hand.claim("notes", 1).await;
    }
    let mut frozen = pool.begin().await.unwrap();
    sqlx::query("update queue.process set name = 'in between' where id = $1")
        .bind(dead[0].process)
        .execute(&mut *frozen)
        .await
        .unwrap();
    let rescued: i32 = sqlx::query_scalar("select queue.rescue($1)")
        .bind(dead.iter().map(|hand| hand.process).collect::<Vec<_>>())
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rescued, 1);
    assert_eq!(state(&pool, ids[1]).await, State::Available);
    assert_eq!(state(&pool, ids[0]).await, State::Running, "at the next sweep");
    frozen.rollback().await.unwrap();
}
