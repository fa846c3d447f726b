//! A repeated request with an Idempotency-Key gets the first answer.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::door::{Answer, Door};

async fn send(door: &Door, key: &str, body: &Value) -> Answer {
    let request = door.request(Method::POST, "/jobs").header("Idempotency-Key", key).json(body);
    Answer::of(request.send().await.unwrap()).await
}

async fn jobs(door: &Door) -> usize {
    door.get("/api/jobs").await.body["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_repeated_request_adds_nothing_and_gets_the_first_answer() {
    let door = Door::open().await;
    let body = json!({ "kind": "prune", "args": { "days": 3 }, "tags": ["t"] });
    let first = send(&door, "k1", &body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let id = first.body["id"].as_str().unwrap();
    // the answer stays what it was, whatever has become of the job
    assert_eq!(door.command(&format!("/api/jobs/{id}/cancel")).await.status, StatusCode::OK);
    let second = send(&door, "k1", &body).await;
    assert_eq!(second.status, StatusCode::CREATED);
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(jobs(&door).await, 1);
}

#[tokio::test]
async fn the_first_answer_tells_the_job_as_it_is_found_later() {
    let door = Door::open().await;
    for body in [
        json!({ "kind": "prune" }),
        json!({ "kind": "prune", "scheduled_at": "2099-01-01T00:00:00Z", "unique_key": "u" }),
    ] {
        let key = body.to_string();
        let mut first = send(&door, &key, &body).await.body;
        let id = first["id"].as_str().unwrap().to_owned();
        let found = door.get(&format!("/api/jobs/{id}")).await.body;
        first.as_object_mut().unwrap().remove("duplicate");
        for (name, value) in first.as_object().unwrap() {
            assert_eq!(&found[name], value, "{name}");
        }
    }
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let door = Door::open().await;
    send(&door, "k1", &json!({ "kind": "prune" })).await;
    let other = send(&door, "k1", &json!({ "kind": "prune", "priority": 1 })).await;
    other.is_problem(422, "idempotency-key-reused", Some("Idempotency-Key"));
    assert_eq!(jobs(&door).await, 1);
    let elsewhere = send(&door, "k2", &json!({ "kind": "prune", "priority": 1 })).await;
    assert_eq!(elsewhere.status, StatusCode::CREATED);
}

#[tokio::test]
async fn requests_at_the_same_time_make_one_job() {
    let door = Door::open().await;
    let body = json!({ "kind": "prune" });
    let answers = join_all((0..8).map(|_| send(&door, "k1", &body))).await;
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(jobs(&door).await, 1);
}

#[tokio::test]
async fn a_duplicate_by_unique_key_is_repeated_as_one() {
    let door = Door::open().await;
    let body = json!({ "kind": "prune", "unique_key": "u" });
    let id = door.add(&body).await;
    let first = send(&door, "k1", &body).await;
    assert_eq!((first.status, first.body["id"].as_str()), (StatusCode::OK, Some(&*id)));
    let second = send(&door, "k1", &body).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn a_refused_request_leaves_the_key_free() {
    let door = Door::open().await;
    send(&door, "k1", &json!({ "kind": "nonsense" })).await.is_problem(
        422,
        "unknown-kind",
        Some("kind"),
    );
    let right = send(&door, "k1", &json!({ "kind": "prune" })).await;
    assert_eq!(right.status, StatusCode::CREATED);
    let long = send(&door, &"x".repeat(256), &json!({ "kind": "prune" })).await;
    long.is_problem(422, "invalid-field", Some("Idempotency-Key"));
}

#[tokio::test]
async fn two_callers_with_one_key_do_not_meet() {
    let door = Door::guarded("operator:do,admin:rule").await;
    let send = async |token: &str, body: Value| {
        let request = door.request(Method::POST, "/jobs").bearer_auth(token);
        let request = request.header("Idempotency-Key", "k1").json(&body);
        Answer::of(request.send().await.unwrap()).await
    };
    let first = send("do", json!({ "kind": "prune" })).await;
    let other = send("rule", json!({ "kind": "prune", "priority": 1 })).await;
    assert_eq!((first.status, other.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_ne!(first.body["id"], other.body["id"]);
    let again = send("do", json!({ "kind": "prune" })).await;
    assert_eq!(again.body, first.body);
}
