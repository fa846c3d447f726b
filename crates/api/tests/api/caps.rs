//! One client cannot take the service down.

use std::time::Duration;

use bellwether_api::{Caps, Service};
use bellwether_queue::{Db, event};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::{Executor, postgres::PgPoolOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    door::{Answer, Door},
    events::Stream,
    statements::Statements,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Wide enough for a test that is about something else.
fn caps() -> Caps {
    let minute = Duration::from_mins(1);
    Caps { connections: 1000, per_address: 1000, head: minute, unread: minute }
}

async fn connect(door: &Door) -> TcpStream {
    TcpStream::connect(door.addr).await.unwrap()
}

/// Waits until the server has closed the connection.
async fn closed(mut socket: TcpStream) {
    let mut rest = Vec::new();
    // a reset is an end as well
    let _ = timeout(PATIENCE, socket.read_to_end(&mut rest)).await.expect("it is still open");
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_head_is_closed() {
    let door = Door::capped(Caps { head: Duration::from_millis(200), ..caps() }).await;
    let mut slow = connect(&door).await;
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: local").await.unwrap();
    closed(slow).await;
    closed(connect(&door).await).await;
}

#[tokio::test]
async fn an_address_has_a_share_of_the_connections() {
    let door = Door::capped(Caps { per_address: 2, ..caps() }).await;
    let (mut first, _second) = (connect(&door).await, connect(&door).await);
    first.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(first.read(&mut [0; 64]).await.unwrap() > 0);
    closed(connect(&door).await).await;
    drop(first);
    // its place is free once the server has seen that it is gone
    let again = async {
        while door.client.get(format!("http://{}/health", door.addr)).send().await.is_err() {}
    };
    timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_connection_too_many_waits_for_one_to_close() {
    let door = Door::capped(Caps { connections: 1, ..caps() }).await;
    let mut only = connect(&door).await;
    only.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(only.read(&mut [0; 64]).await.unwrap() > 0);
    let mut waiting = Box::pin(door.get("/health"));
    assert!(timeout(Duration::from_millis(300), &mut waiting).await.is_err(), "it was served");
    drop(only);
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut() {
    let door = Door::capped(Caps { unread: Duration::from_millis(200), ..caps() }).await;
    let mut socket = connect(&door).await;
    let asks = async {
        let request = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
        while socket.write_all(request).await.is_ok() {}
    };
    timeout(PATIENCE, asks).await.expect("the connection is still open");
}

#[tokio::test]
async fn probes_answer_while_every_connection_of_the_pool_is_taken() {
    let door = Door::with(Service::Api, "127.0.0.1:0", "", |app| {
        let options = app.pool.pool().connect_options();
        let probes = PgPoolOptions::new().max_connections(2);
        app.with_probe_pool(Db::direct(probes.connect_lazy_with((*options).clone())))
    })
    .await;
    let most = door.pool.pool().options().get_max_connections();
    let mut taken = Vec::new();
    for _ in 0..most {
        taken.push(door.pool.begin().await.unwrap());
    }
    assert_eq!(door.get("/ready").await.status, StatusCode::OK);
    assert!(door.get("/metrics").await.text.contains("bellwether_database_up 1"));
}

#[tokio::test]
async fn metrics_that_are_asked_for_together_are_read_once() {
    let door = Door::open().await;
    let statements = Statements::count();
    let answers = join_all((0..40).map(|_| door.get("/metrics"))).await;
    assert!(answers.iter().all(|answer| answer.text.contains("bellwether_database_up 1")));
    assert!(statements.seen() < 40, "{} statements", statements.seen());
}

#[tokio::test]
async fn one_caller_does_not_get_every_stream() {
    let door = Door::guarded("viewer:see,operator:do").await;
    let open = async |token: &str| {
        door.request(Method::GET, "/api/events").bearer_auth(token).send().await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..200 {
        let stream = open("see").await;
        assert_eq!(stream.status(), StatusCode::OK);
        streams.push(stream);
    }
    let refused = Answer::of(open("see").await).await;
    refused.is_problem(429, "too-many-requests", None);
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(open("do").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn streams_that_come_back_together_are_served_from_memory() {
    let door = Door::open().await;
    let mut first = Stream::open(&door, None).await;
    first.next().await.unwrap();
    for subject in ["A", "B", "C"] {
        event::emit(&door.pool, "quote", subject).await.unwrap();
    }
    let seen = first.next().await.unwrap().id;
    for _ in 0..2 {
        first.next().await.unwrap();
    }
    let statements = Statements::count();
    for _ in 0..150 {
        let mut stream = Stream::open(&door, Some(&seen)).await;
        stream.next().await.unwrap();
        for subject in ["B", "C"] {
            assert!(stream.next().await.unwrap().data.contains(&format!("\"{subject}\"")));
        }
    }
    assert!(statements.seen() < 150, "{} statements", statements.seen());
}

#[tokio::test]
async fn a_count_that_takes_too_long_is_ended() {
    let door = Door::open().await;
    let mut other = door.pool.begin().await.unwrap();
    other.execute("lock table queue.done in access exclusive mode").await.unwrap();
    let count = json!({ "action": "delete", "filter": { "kind": "prune" }, "dry_run": true });
    let answer = door.post("/api/jobs/bulk", &count).await;
    answer.is_problem(503, "timeout", None);
    assert!(answer.body["detail"].as_str().unwrap().contains("narrow"), "{}", answer.text);
    other.rollback().await.unwrap();
    assert_eq!(door.post("/api/jobs/bulk", &count).await.body["matched"], 0);
}

#[tokio::test]
async fn a_list_cuts_long_arguments_and_the_job_has_them_whole() {
    let door = Door::open().await;
    let args = json!({ "reason": "x".repeat(100_000) });
    let id = door.add(&json!({ "kind": "scrape_batch", "args": args })).await;
    let short = door.add(&json!({ "kind": "scrape_batch", "args": { "reason": "y" } })).await;
    let list = door.get("/api/jobs").await;
    assert!(list.text.len() < 20_000, "{} bytes", list.text.len());
    let items = &list.body["items"];
    assert_eq!((&items[0]["id"], &items[1]["id"]), (&json!(short), &json!(id)));
    assert_eq!(
        (&items[0]["args"], &items[0]["args_cut"]),
        (&json!({ "reason": "y" }), &json!(null))
    );
    assert_eq!(items[1]["args_cut"], true);
    assert_eq!(items[1]["args"].as_str().unwrap().len(), 4096);
    let whole = door.get(&format!("/api/jobs/{id}")).await.body;
    assert_eq!((&whole["args"], &whole["args_cut"]), (&args, &json!(null)));
}
