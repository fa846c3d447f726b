//! Through a transaction pooler: every statement is whole, no state is left behind, every job runs
//! once.

use std::{sync::Arc, time::Duration};

use crate::support::*;
use bellwether_queue::{
    Config, Outcome, Process, SETTINGS, State,
    limits::{self, Counts, LaneKey, Limit, Window},
};
use bellwether_testing::{Database, Pooler, wait_until, wait_until_within};
use sqlx::{Acquire, Executor, Row, postgres::PgPoolOptions};

/// Starts a pooler with one connection to the server, however many clients it has.
async fn pooler(db: &Database) -> Pooler {
    Pooler::before(db, 1).await
}

/// A client of the pooler with connections of its own.
fn client(pooler: &Pooler) -> Db {
    Db::pooled(PgPoolOptions::new().max_connections(2).connect_lazy_with(pooler.options()))
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_work_a_queue_to_its_end_over_one_connection() {
    const JOBS: usize = 240;
    let db = database().await;
    let direct = Db::direct(db.pool());
    direct
        .execute("create table effect (job bigint not null, process int not null)")
        .await
        .unwrap();
    let limit = Limit::new("k", Counts::Start { guard: Duration::from_millis(500) })
        .window(Window::requests(100, Duration::from_millis(200)))
        .in_flight(40);
    limits::define(&direct, &limit).await.unwrap();
    limits::set_lane(&direct, "calls", "k", &[LaneKey::new("k")]).await.unwrap();
    let pooler = pooler(&db).await;

    let mut processes = Vec::new();
    for n in 0..8_i32 {
        let pool = client(&pooler);
        let config = Config {
            pool: pool.clone(),
            ..config(&db, &format!("client {n}"), &[("notes", 10), ("calls", 10)])
        };
        let process = Process::start(config).await.unwrap();
        for queue in ["notes", "calls"] {
            let pool = pool.clone();
            work(&process, queue, move |attempt| {
                let pool = pool.clone();
                async move {
                    if let Err(none) = attempt.take_permit().await {
                        return Outcome::Failed(none.into());
                    }
                    let mut tx = pool.begin().await.unwrap();
                    sqlx::query("insert into effect values ($1, $2)")
                        .bind(attempt.job().0)
                        .bind(n)
                        .execute(&mut *tx)
                        .await
                        .unwrap();
                    if attempt.job().0 % 2 == 0 {
                        attempt.complete_in(&mut tx).await.unwrap();
                    }
                    tx.commit().await.unwrap();
                    Outcome::Complete
                }
            });
        }
        processes.push(process);
    }
    let clients: Vec<Db> = (0..8).map(|_| client(&pooler)).collect();
    for (n, client) in clients.iter().enumerate() {
        for batch in (0..JOBS / 8).collect::<Vec<_>>().chunks(10) {
            let jobs: Vec<_> = batch
                .iter()
                .map(|i| if i % 2 == 0 { note(&format!("{n}/{i}")) } else { call("k") })
                .collect();
            let mut tx = client.begin().await.unwrap();
            bellwether_queue::enqueue_all(&mut *tx, &jobs).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    wait_until_within(Duration::from_mins(1), "the end of the queue", || async {
        (count(&direct, "select count(*) from queue.done").await == JOBS as i64).then_some(())
    })
    .await;
    assert_eq!(count(&direct, "select count(distinct job) from effect").await, JOBS as i64);
    assert_eq!(count(&direct, "select count(*) from effect").await, JOBS as i64, "none ran twice");
    let in_vain = "select count(*) from queue.attempt where outcome <> 'throttled'";
    assert_eq!(count(&direct, in_vain).await, 0);
    let backends = async |client: &Db| count(client, "select pg_backend_pid()::bigint").await;
    let first = backends(&clients[0]).await;
    for client in &clients {
        assert_eq!(backends(client).await, first, "all of them shared one connection");
    }
    for process in processes {
        assert_eq!(process.lost_leases(), 0);
        process.close(Duration::from_secs(5)).await.unwrap();
    }
}

#[tokio::test]
async fn names_of_prepared_statements_do_not_outlive_their_transaction() {
    let db = database().await;
    let pooler = pooler(&db).await;
    let (one, two) = (client(&pooler), client(&pooler));
    for round in 0..3_i64 {
        // Both clients count their statements from one, and use the same connection.
        for (client, sql) in
            [(&one, "select $1::bigint"), (&two, "select $1::bigint + 10"), (&one, "select -$1")]
        {
            let mut tx = client.begin().await.unwrap();
            for _ in 0..2 {
                let _: i64 = sqlx::query_scalar(sql).bind(round).fetch_one(&mut *tx).await.unwrap();
            }
            tx.commit().await.unwrap();
            let got: i64 = sqlx::query_scalar(sql).bind(round).fetch_one(client).await.unwrap();
            assert!([round, round + 10, -round].contains(&got));
        }
    }
}

#[tokio::test]
async fn a_direct_client_of_a_pooler_meets_statement_names_of_other_clients() {
    let db = database().await;
    let pooler = pooler(&db).await;
    let mistaken = || {
        let options = pooler.options().extra_float_digits(None);
        Db::without_settings(PgPoolOptions::new().connect_lazy_with(options))
    };
    let (one, two) = (mistaken(), mistaken());
    assert_eq!(count(&one, "select 1::bigint").await, 1);
    let error = sqlx::query_scalar::<_, i64>("select 2::bigint").fetch_one(&two).await.unwrap_err();
    assert!(error.to_string().contains("prepared statement"), "{error}");
}

#[tokio::test]
async fn a_commit_that_fails_is_the_statements_error() {
    let db = database().await;
    let direct = Db::direct(db.pool());
    direct
        .execute(
            "create table owner (id int primary key);
            create table thing (owner int references owner deferrable initially deferred)",
        )
        .await
        .unwrap();
    let pooler = pooler(&db).await;
    let pooled = client(&pooler);
    let insert = "insert into thing values (1) returning owner";
    assert!(pooled.execute(insert).await.is_err());
    assert!(pooled.fetch_optional(insert).await.is_err());
    assert!(pooled.fetch_all(insert).await.is_err(), "no row is handed out before the commit");
    assert_eq!(count(&direct, "select count(*) from thing").await, 0);
    pooled.execute("insert into owner values (1)").await.unwrap();
    assert_eq!(pooled.fetch_all(insert).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_no_transaction_open() {
    let db = database().await;
    let direct = Db::direct(db.pool());
    let pooler = pooler(&db).await;
    let pooled = client(&pooler);
    let mut keeper = direct.begin().await.unwrap();
    keeper.execute("select pg_advisory_xact_lock(4711)").await.unwrap();
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    {
        let wanting = sqlx::query("select pg_advisory_xact_lock($1::int)").bind(4711);
        let wanting = wanting.execute(&pooled);
        let waiting =
            wait_until("the wait", || async { (count(&direct, waits).await > 0).then_some(()) });
        tokio::select! {
            got = wanting => panic!("the lock was not released: {got:?}"),
            () = waiting => {}
        }
    }
    keeper.commit().await.unwrap();
    assert_eq!(count(&pooled, "select 1::bigint").await, 1, "the one connection is free again");
    let open = "select count(*) from pg_stat_activity where datname = current_database()
        and pid <> pg_backend_pid() and xact_start is not null";
    wait_until("its end", || async { (count(&direct, open).await == 0).then_some(()) }).await;
}

#[tokio::test]
async fn every_transaction_has_the_timeouts_and_no_session_keeps_them() {
    let db = database().await;
    let pooler = pooler(&db).await;
    let pooled = client(&pooler);
    let direct = db.options().options(SETTINGS);
    let direct = Db::direct(PgPoolOptions::new().connect_lazy_with(direct));
    for (name, value) in SETTINGS {
        for db in [&pooled, &direct] {
            let mut tx = db.begin().await.unwrap();
            let ask = || sqlx::query_scalar::<_, String>("select current_setting($1)").bind(name);
            let set = ask().fetch_one(&mut *tx).await.unwrap();
            assert_eq!(set, if value == "60s" { "1min" } else { value });
        }
    }
    let plain = PgPoolOptions::new().connect_lazy_with(pooler.options().extra_float_digits(None));
    let left = sqlx::raw_sql("show lock_timeout").fetch_one(&plain).await.unwrap();
    assert_eq!(left.get::<String, _>(0), "0");
}

#[tokio::test]
async fn an_error_leaves_the_connection_usable() {
    let db = database().await;
    let pooler = pooler(&db).await;
    let pooled = client(&pooler);
    for _ in 0..3 {
        assert!(pooled.execute("select 1 / 0").await.is_err());
        assert!(sqlx::query("select 1 / $1").bind(0).fetch_all(&pooled).await.is_err());
        assert_eq!(count(&pooled, "select 7::bigint").await, 7);
    }
    let mut tx = pooled.begin().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    assert!(inner.execute("select 1 / 0").await.is_err());
    inner.rollback().await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i32>("select 8").fetch_one(&mut *tx).await.unwrap(), 8);
}

#[tokio::test]
async fn without_notify_the_poll_alone_finds_every_job() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let pooler = pooler(&db).await;
    let config =
        Config { pool: client(&pooler), listen: false, ..config(&db, "deaf", &[("notes", 2)]) };
    let process = Process::start(config).await.unwrap();
    work(&process, "notes", |_| async { Outcome::Complete });
    for n in 0..3 {
        let id = add(&pool, &note(&n.to_string())).await;
        until_state(&pool, id, State::Completed).await;
    }
    let wanted = "select count(*) from queue.process where idle <> '{}'";
    assert_eq!(count(&pool, wanted).await, 0, "and no transaction notifies it");
    let ears = "select count(*) from pg_stat_activity
        where datname = current_database() and query ilike 'listen%'";
    assert_eq!(count(&pool, ears).await, 0);
    Arc::new(process).close(Duration::from_secs(5)).await.unwrap();
}
