//! The event stream: nothing is missed, nothing comes twice.

use std::time::Duration;

use bellwether_queue::event;
use reqwest::{Method, Response, StatusCode};
use sqlx::Executor;
use tokio::time::timeout;

use crate::door::Door;

/// A stream as a browser reads it.
pub(crate) struct Stream {
    response: Response,
    buffer: String,
}

#[derive(Debug, PartialEq, Default)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: String,
}

impl Stream {
    pub(crate) async fn open(door: &Door, last: Option<&str>) -> Self {
        let mut request = door.request(Method::GET, "/api/events");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new() }
    }

    /// The next message, comments left out; `None`: the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let block = std::mem::replace(&mut self.buffer, rest);
                let mut message = Message::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => id.clone_into(&mut message.id),
                        Some(("event", event)) => event.clone_into(&mut message.event),
                        Some(("data", data)) => data.clone_into(&mut message.data),
                        _ => {}
                    }
                }
                if message != Message::default() {
                    return Some(message);
                }
                continue;
            }
            let chunk = timeout(Duration::from_secs(20), self.response.chunk());
            let chunk = chunk.await.expect("the stream is silent").unwrap()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The subject of the next event.
    async fn subject(&mut self) -> (String, String) {
        let message = self.next().await.unwrap();
        let data: serde_json::Value = serde_json::from_str(&message.data).unwrap();
        (data["id"].as_str().unwrap().to_owned(), message.id)
    }
}

async fn emit(door: &Door, subject: &str) {
    event::emit(&door.pool, "quote", subject).await.unwrap();
}

#[tokio::test]
async fn a_position_ahead_of_the_database_gets_a_reset() {
    let door = Door::open().await;
    let here = Stream::open(&door, None).await.next().await.unwrap().id;
    let (epoch, _) = here.split_once('-').unwrap();
    for last in [format!("{epoch}-999999999999-1"), "0badcafe-1-1".to_owned()] {
        let mut stream = Stream::open(&door, Some(&last)).await;
        // the opening repeats the position
        stream.next().await.unwrap();
        assert_eq!(stream.next().await.unwrap().event, "reset", "{last}");
        emit(&door, "AAPL").await;
        assert_eq!(stream.subject().await.0, "AAPL");
    }
}

#[tokio::test]
async fn a_stream_tells_what_changes_from_now_on() {
    let door = Door::open().await;
    emit(&door, "EARLIER").await;
    let mut stream = Stream::open(&door, None).await;
    let opening = stream.next().await.unwrap();
    assert!(!opening.id.is_empty() && opening.data.is_empty(), "{opening:?}");
    emit(&door, "AAPL").await;
    let mut message = stream.next().await.unwrap();
    // a transaction that began before both, in any database of the server, lets both in
    if message.data.contains("EARLIER") {
        message = stream.next().await.unwrap();
    }
    assert_eq!(message.event, "quote");
    let data: serde_json::Value = serde_json::from_str(&message.data).unwrap();
    assert_eq!(data["id"], "AAPL");
    assert!(data["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn events_about_jobs_name_their_queue_and_kind() {
    let door = Door::open().await;
    let mut stream = Stream::open(&door, None).await;
    stream.next().await.unwrap();
    event::emit(&door.pool, "job", "scraper/prune").await.unwrap();
    let message = stream.next().await.unwrap();
    assert_eq!(message.event, "job");
    let data: serde_json::Value = serde_json::from_str(&message.data).unwrap();
    assert_eq!(data["id"], "scraper/prune");
    let list = format!(
        "/api/jobs?queue={}&kind={}",
        data["queue"].as_str().unwrap(),
        data["kind"].as_str().unwrap()
    );
    assert_eq!(list, "/api/jobs?queue=scraper&kind=prune");
}

#[tokio::test]
async fn a_reconnecting_client_gets_exactly_what_it_missed() {
    let door = Door::open().await;
    let mut stream = Stream::open(&door, None).await;
    let opening = stream.next().await.unwrap();
    for subject in ["A", "B", "C"] {
        emit(&door, subject).await;
    }
    let (subject, id) = stream.subject().await;
    assert_eq!(subject, "A");
    drop(stream);
    emit(&door, "D").await;
    let mut resumed = Stream::open(&door, Some(&id)).await;
    assert_eq!(resumed.next().await.unwrap().id, id, "it stands where it stood");
    for expected in ["B", "C", "D"] {
        assert_eq!(resumed.subject().await.0, expected);
    }
    emit(&door, "E").await;
    assert_eq!(resumed.subject().await.0, "E");
    // also without having seen any event
    let mut whole = Stream::open(&door, Some(&opening.id)).await;
    whole.next().await.unwrap();
    for expected in ["A", "B", "C", "D", "E"] {
        assert_eq!(whole.subject().await.0, expected);
    }
}

#[tokio::test]
async fn streams_that_are_open_together_hear_the_same() {
    let door = Door::open().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = Stream::open(&door, None).await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    for n in 0..50 {
        emit(&door, &n.to_string()).await;
    }
    for stream in &mut streams {
        for n in 0..50 {
            assert_eq!(stream.subject().await.0, n.to_string());
        }
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_read_asks_for_a_fresh_look() {
    let door = Door::open().await;
    for id in ["yesterday", "1"] {
        let mut stream = Stream::open(&door, Some(id)).await;
        let message = stream.next().await.unwrap();
        assert_eq!(message.event, "reset");
        emit(&door, "AAPL").await;
        assert_eq!(stream.subject().await.0, "AAPL");
    }
}

#[tokio::test]
async fn an_id_older_than_what_is_kept_asks_for_a_fresh_look() {
    let door = Door::open().await;
    // no stream is open yet: the server holds no events in its memory
    let old = event::now(&door.pool).await.unwrap().to_string();
    emit(&door, "LOST").await;
    let forget = "update queue.event_floor set xid = pg_current_xact_id(), id = 0";
    door.pool.execute(forget).await.unwrap();
    let mut resumed = Stream::open(&door, Some(&old)).await;
    assert_eq!(resumed.next().await.unwrap().id, old);
    assert_eq!(resumed.next().await.unwrap().event, "reset");
    emit(&door, "AAPL").await;
    // once, also while a transaction is under way that is older than what is kept
    assert_eq!(resumed.subject().await.0, "AAPL");
}

#[tokio::test]
async fn streams_end_when_the_port_closes() {
    let door = Door::open().await;
    let mut stream = Stream::open(&door, None).await;
    stream.next().await.unwrap();
    door.stop();
    assert_eq!(stream.next().await, None);
    timeout(Duration::from_secs(10), door.close()).await.unwrap();
}
