//! A job that a request adds goes on in the request's trace.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::door::{Answer, Door};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn add(door: &Door, traceparents: &[&str]) -> Value {
    let mut request = door.request(Method::POST, "/jobs").json(&json!({ "kind": "prune" }));
    for one in traceparents {
        request = request.header("traceparent", *one);
    }
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn the_callers_trace_is_gone_on_with() {
    let door = Door::open().await;
    let job = add(&door, &[&format!("00-{TRACE}-00f067aa0ba902b7-01")]).await;
    assert_eq!(job["trace_id"], TRACE);
    let found = door.get(&format!("/api/jobs/{}", job["id"].as_str().unwrap())).await;
    assert_eq!(found.body["trace_id"], TRACE);
    let kept: String = sqlx::query_scalar("select trace from queue.job")
        .fetch_one(door.pool.pool())
        .await
        .unwrap();
    assert!(kept.starts_with(&format!("00-{TRACE}-")) && kept.ends_with("-01"), "{kept}");
    assert!(!kept.contains("00f067aa0ba902b7"), "below the request, not beside it: {kept}");
}

#[tokio::test]
async fn without_a_usable_one_a_trace_is_started() {
    let door = Door::open().await;
    let good = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let mut seen = vec![TRACE.to_owned()];
    for traceparents in [&[][..], &["nonsense"], &[&good, &good]] {
        let job = add(&door, traceparents).await;
        let id = job["trace_id"].as_str().unwrap_or_else(|| panic!("{traceparents:?}: {job}"));
        assert_eq!(id.len(), 32);
        assert!(!seen.contains(&id.to_owned()), "{traceparents:?} led to {id} again");
        seen.push(id.to_owned());
    }
}
