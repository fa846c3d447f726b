//! Answers that never arrive, and callers that stop waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::*;
use bellwether_queue::{Outcome, Process, State};
use bellwether_testing::{Database, wait_until};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A connection to the database that can be cut without a notice to either end: requests still
/// arrive and are never answered.
struct Wire {
    port: u16,
    /// Connections opened before so many cuts carry no data any more.
    cuts: Arc<AtomicUsize>,
}

impl Wire {
    async fn to(db: &Database) -> Self {
        let options = db.options();
        let server = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicUsize::new(0));
        let cut = Arc::clone(&cuts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let opened = cut.load(Ordering::SeqCst);
                tokio::spawn(carry(from_client, to_server, Arc::clone(&cut), usize::MAX));
                tokio::spawn(carry(from_server, to_client, Arc::clone(&cut), opened));
            }
        });
        Self { port, cuts }
    }

    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    fn options(&self, db: &Database) -> PgConnectOptions {
        db.options().host("127.0.0.1").port(self.port)
    }
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    cuts: Arc<AtomicUsize>,
    opened: usize,
) {
    let mut bytes = vec![0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if cuts.load(Ordering::SeqCst) > opened {
            std::future::pending::<()>().await; // open connections stay open
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn a_statement_whose_answer_never_comes_ends_and_its_connection_is_not_used_again() {
    let db = database().await;
    let wire = Wire::to(&db).await;
    let pool =
        PgPoolOptions::new().max_connections(1).connect_with(wire.options(&db)).await.unwrap();
    let pool = Db::direct(pool).patience(Duration::from_secs(5));
    let asking = tokio::spawn({
        let pool = pool.clone();
        async move { sqlx::query("select pg_sleep(4)").execute(&pool).await }
    });
    let straight = Db::direct(db.pool());
    wait_until("the statement to be under way", || async {
        let asked = "select count(*) from pg_stat_activity where query = 'select pg_sleep(4)' and state = 'active'";
        (count(&straight, asked).await > 0).then_some(())
    })
    .await;
    wire.cut();
    let error = asking.await.unwrap().unwrap_err();
    assert!(
        matches!(&error, sqlx::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut),
        "{error}"
    );
    assert_eq!(count(&pool, "select 2::bigint").await, 2, "on a new connection");
}

#[tokio::test]
async fn a_process_works_on_after_a_silence_and_reports_what_it_did_before() {
    let db = database().await;
    let straight = Db::direct(db.pool());
    let wire = Wire::to(&db).await;
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(2))
        .connect_with(wire.options(&db))
        .await
        .unwrap();
    let mut config = config(&db, "w", &[("notes", 2)]);
    config.direct = wire.options(&db);
    config.pool = Db::direct(pool).patience(Duration::from_secs(1));
    let process = Process::start(config).await.unwrap();
    let mut attempts = process.subscribe("notes");
    let before = add(&straight, &note("before")).await;
    let attempt = attempts.recv().await.unwrap();
    // Its report has arrived when the answers are cut off.
    let mut holder = straight.begin().await.unwrap();
    sqlx::query("lock table queue.done in exclusive mode").execute(&mut *holder).await.unwrap();
    attempt.finish(Outcome::Complete);
    wait_until("the report to be under way", || async {
        let waits = "select count(*) from pg_stat_activity where datname = current_database() and query like '%queue.complete(%' and wait_event_type = 'Lock'";
        (count(&straight, waits).await > 0).then_some(())
    })
    .await;
    wire.cut();
    holder.rollback().await.unwrap();
    until_state(&straight, before, State::Completed).await;
    let after = add(&straight, &note("after")).await;
    attempts.recv().await.unwrap().finish(Outcome::Complete);
    until_state(&straight, after, State::Completed).await;
    process.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(process.lost_leases(), 0);
    assert_eq!(count(&straight, "select count(*) from queue.attempt").await, 0);
}

/// The caller gives up at every moment of the `begin`, one after the other.
#[tokio::test]
async fn a_transaction_given_up_while_it_begins_is_not_left_open() {
    let db = database().await;
    let seen = Db::direct(db.pool());
    sqlx::query("create table written (n bigint)").execute(&seen).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(1).connect_with(db.options()).await.unwrap();
    let pool = Db::direct(pool);
    for n in 1..=300_i64 {
        let moment = Duration::from_micros(5 * n.cast_unsigned());
        drop(tokio::time::timeout(moment, pool.begin()).await);
        sqlx::query("insert into written values ($1)").bind(n).execute(&pool).await.unwrap();
        assert_eq!(count(&seen, "select count(*) from written").await, n, "it is committed");
    }
}
