//! Writes of a process while another transaction, its own handlers or the database delay them.

use std::{sync::Arc, time::Duration};

use crate::support::*;
use bellwether_queue::{
    Attempt, Config, Failure, Outcome, Process, State,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use bellwether_testing::wait_until;
use sqlx::{Executor, postgres::PgPoolOptions};
use tokio::sync::Mutex;

#[tokio::test]
async fn a_completion_that_meets_a_lock_delays_no_other() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 3)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let ids = add_all(&pool, &[note("held"), note("goes")]).await;
    let (first, second) = (attempts.recv().await.unwrap(), attempts.recv().await.unwrap());
    let mut held = pool.begin().await.unwrap();
    sqlx::query("select queue.cancel($1, 'an operator thinks it over')")
        .bind(ids[0].0)
        .execute(&mut *held)
        .await
        .unwrap();
    first.finish(Outcome::Complete);
    second.finish(Outcome::Complete);
    until_state(&pool, ids[1], State::Completed).await;
    assert_eq!(state(&pool, ids[0]).await, State::Running);
    held.rollback().await.unwrap();
    until_state(&pool, ids[0], State::Completed).await;
    process.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(process.lost_leases(), 0);
}

#[tokio::test]
async fn failures_are_written_in_batches() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let process = Process::start(config(&db, "w", &[("notes", 400)])).await.unwrap();
    let mut attempts = process.subscribe("notes");
    add_all(&pool, &(0..400).map(|i| note(&i.to_string())).collect::<Vec<_>>()).await;
    let mut all = Vec::new();
    while all.len() < 400 {
        all.push(attempts.recv().await.unwrap());
    }
    for (i, attempt) in all.iter().enumerate() {
        let after = Duration::from_mins(1);
        attempt.finish(Outcome::Failed(if i % 2 == 0 {
            Failure::snooze(after, "later").code("busy")
        } else {
            Failure::throttle("not now")
        }));
    }
    wait_until("the failures", || async {
        (count(&pool, "select count(*) from queue.attempt").await >= 400).then_some(())
    })
    .await;
    let transactions = "select count(distinct xmin::text) from queue.attempt where outcome in ('snoozed', 'throttled')";
    let transactions = count(&pool, transactions).await;
    assert!(transactions < 100, "{transactions} transactions");
    assert_eq!(count(&pool, "select count(*) from queue.attempt where code = 'busy'").await, 200);
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn reports_that_cannot_be_written_stop_further_claims() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    sqlx::raw_sql(
        "insert into queue.queue (name) values ('notes');
        insert into queue.lane (queue, name) values ('notes', 'default');
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), 1, 4, 'note', 0, 5, '{\"text\": \"x\"}', now(), now() from generate_series(1, 6000) i",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut held = pool.begin().await.unwrap();
    held.execute("lock table queue.done in exclusive mode").await.unwrap();
    let process = Process::start(config(&db, "w", &[("notes", 10)])).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    let running = "select count(*) from queue.running";
    wait_until("the bound", || async { (count(&pool, running).await > 1_000).then_some(()) }).await;
    // a claim takes ten at most: those beyond the bound are from one claim
    let beyond = async { while count(&pool, running).await <= 1_000 + 4 * 10 {} };
    let exceeded = tokio::time::timeout(Duration::from_secs(2), beyond).await;
    assert!(exceeded.is_err(), "{} jobs were claimed", count(&pool, running).await);
    held.rollback().await.unwrap();
    wait_until("all of them", || async {
        (count(&pool, "select count(*) from queue.done").await == 6_000).then_some(())
    })
    .await;
    process.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(process.lost_leases(), 0);
}

#[tokio::test]
async fn handlers_that_hold_every_connection_still_get_their_permits() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let limit =
        Limit::new("k", Counts::Finish).window(Window::requests(100, Duration::from_mins(1)));
    limits::define(&pool, &limit).await.unwrap();
    limits::set_lane(&pool, "calls", "limited", &[LaneKey::new("k")]).await.unwrap();
    add(&pool, &call("limited")).await;
    let one = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(3))
        .connect_lazy_with(db.options());
    let one = Db::direct(one);
    let process = Process::start(Config { pool: one.clone(), ..config(&db, "w", &[("calls", 1)]) })
        .await
        .unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let mut attempts = process.subscribe("calls");
    let attempt = attempts.recv().await.unwrap();
    let tx = one.begin().await.unwrap();
    let permits = async |attempt: &Arc<Attempt>| {
        for _ in 0..2 {
            said.lock().await.push(attempt.take_permit().await.map_err(|e| e.to_string()));
        }
    };
    permits(&attempt).await;
    tx.rollback().await.unwrap();
    assert_eq!(*said.lock().await, [Ok(()), Ok(())]);
    attempt.finish(Outcome::Complete);
    process.close(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test]
async fn a_direct_database_has_timeouts_unless_it_goes_without() {
    let db = database().await;
    let fresh = || PgPoolOptions::new().max_connections(2).connect_lazy_with(db.options());
    let setting = async |db: &Db, name: &str| -> String {
        sqlx::query_scalar("select current_setting($1)")
            .bind(name.to_owned())
            .fetch_one(db)
            .await
            .unwrap()
    };
    let direct = Db::direct(fresh());
    assert_eq!(setting(&direct, "statement_timeout").await, "1min");
    assert_eq!(setting(&direct, "lock_timeout").await, "30s");
    assert_eq!(setting(&direct, "idle_in_transaction_session_timeout").await, "1min");
    let own =
        PgPoolOptions::new().connect_lazy_with(db.options().options([("statement_timeout", "7s")]));
    let own = Db::direct(own);
    assert_eq!(
        setting(&own, "statement_timeout").await,
        "7s",
        "a setting of the caller's own stays"
    );
    assert_eq!(setting(&own, "lock_timeout").await, "30s");
    assert_eq!(setting(&Db::without_settings(fresh()), "statement_timeout").await, "0");
    let other =
        PgPoolOptions::new().connect_lazy_with(db.options().options([("deadlock_timeout", "2s")]));
    let other = Db::direct(other);
    assert_eq!(setting(&other, "lock_timeout").await, "30s", "its name ends another setting's");
    assert_eq!(setting(&other, "deadlock_timeout").await, "2s");
}
