//! Statements whose client has left.

use std::{process::Command, time::Duration};

use bellwether_queue::MIGRATOR;
use bellwether_testing::{Database, Pooler, database, wait_until, wait_until_within};
use sqlx::Executor;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{Running, bellwether, until};

/// Shorter than a request and its statements may take.
const AT_ONCE: Duration = Duration::from_secs(4);

async fn waiting(db: &Database) -> i64 {
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    sqlx::query_scalar(waits).fetch_one(&db.pool()).await.expect("a count")
}

#[tokio::test]
async fn a_statement_ends_when_its_client_leaves() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let mut command = bellwether(&["api", "--http-addr", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &db.url);
    statements_end_with_their_clients(&db, command).await;
}

#[tokio::test]
async fn a_statement_through_a_pooler_ends_when_its_client_leaves() {
    let db = database(&[&MIGRATOR, &bellwether_store::MIGRATOR]).await;
    let pooler = Pooler::before(&db, 3).await;
    let mut command = bellwether(&["api", "--http-addr", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &pooler.url).env("DATABASE_DIRECT_URL", &db.url);
    statements_end_with_their_clients(&db, command).await;
}

async fn statements_end_with_their_clients(db: &Database, command: Command) {
    let mut api = Running::start(command);
    let address = api.address_after("listening on").await;
    until(&format!("{address}/ready"), "readiness", |status, _| status == 200).await;
    let host = address.trim_start_matches("http://");

    let mut lock = db.pool().begin().await.expect("a transaction");
    lock.execute("lock table queue.done, signal in access exclusive mode").await.expect("a lock");
    let count = r#"{"action":"delete","filter":{"kind":"prune"},"dry_run":true}"#;
    for request in [
        format!("GET /api/jobs?q=x HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET /api/signals/AAPL HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!(
            "POST /api/jobs/bulk HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{count}",
            count.len()
        ),
    ] {
        let mut client = TcpStream::connect(host).await.expect("a connection");
        client.write_all(request.as_bytes()).await.expect("a request");
        wait_until("its statement to wait for the lock", || async {
            (waiting(db).await > 0).then_some(())
        })
        .await;
        drop(client);
        wait_until_within(AT_ONCE, "its statement to be gone", || async {
            (waiting(db).await == 0).then_some(())
        })
        .await;
    }
    lock.rollback().await.expect("the locks are free");
    until(&format!("{address}/api/jobs?q=x"), "an answer", |status, _| status == 200).await;
}
