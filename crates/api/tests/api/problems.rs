//! Every way of getting it wrong has its own answer.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::door::{Answer, Door};

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let door = Door::open().await;
    door.get("/nowhere").await.is_problem(404, "not-found", None);
    door.get("/api/jobs/999999").await.is_problem(404, "not-found", None);
    door.get("/api/jobs/abc").await.is_problem(404, "not-found", None);
    door.get("/api/jobs/999999/why").await.is_problem(404, "not-found", None);
    door.command("/api/jobs/999999/retry").await.is_problem(404, "not-found", None);
    door.command("/api/jobs/999999/cancel").await.is_problem(404, "not-found", None);
    door.command("/api/queues/none/pause").await.is_problem(404, "not-found", None);
    door.command("/api/queues/none/resume").await.is_problem(404, "not-found", None);
    door.command("/api/limits/none/resume").await.is_problem(404, "not-found", None);
    door.command("/api/schedules/none/run").await.is_problem(404, "not-found", None);
    door.command("/api/schedules/none/pause").await.is_problem(404, "not-found", None);
    let park = door.post("/api/limits/none/park", &json!({ "seconds": 5 })).await;
    park.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn a_database_that_cannot_serve_now_is_a_503_to_be_tried_again() {
    let door = Door::open().await;
    for (code, seconds) in
        [("53100", "5"), ("57014", "5"), ("25006", "5"), ("40001", "1"), ("42P01", "30")]
    {
        let sql = format!(
            "create or replace function fail() returns trigger language plpgsql as
             $$ begin raise exception 'played' using errcode = '{code}'; end $$;
             create or replace trigger fail before insert on queue.ready
             execute function fail()"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(door.pool.pool()).await.unwrap();
        let answer = door.post("/jobs", &json!({ "kind": "prune" })).await;
        answer.is_problem(503, "database-unavailable", None);
        assert_eq!(answer.header("retry-after"), seconds, "{code}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let door = Door::open().await;
    let answer = door.request(Method::DELETE, "/api/jobs").send().await.unwrap();
    let answer = Answer::of(answer).await;
    answer.is_problem(405, "method-not-allowed", None);
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
}

#[tokio::test]
async fn a_body_has_to_be_json_and_of_bearable_size() {
    let door = Door::open().await;
    let send = async |kind: Option<&'static str>, body: Vec<u8>| {
        let mut request = door.request(Method::POST, "/jobs").body(body);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        Answer::of(request.send().await.unwrap()).await
    };
    let job = br#"{"kind":"prune"}"#.to_vec();
    send(None, job.clone()).await.is_problem(415, "not-json", Some("Content-Type"));
    send(Some("text/plain"), job.clone()).await.is_problem(415, "not-json", Some("Content-Type"));
    let utf8 = send(Some("application/json; charset=utf-8"), job).await;
    assert_eq!(utf8.status, StatusCode::CREATED);
    for broken in ["", "{", "{\"kind\":}", "nonsense"] {
        let answer = send(Some("application/json"), broken.into()).await;
        answer.is_problem(400, "malformed-json", None);
    }
    let sized = |n: usize| {
        let frame = r#"{"kind":"prune","unique_key":""}"#.len();
        format!(r#"{{"kind":"prune","unique_key":"{}"}}"#, "x".repeat(n - frame)).into_bytes()
    };
    let limit = bellwether_api::BODY_LIMIT;
    let full = send(Some("application/json"), sized(limit)).await;
    full.is_problem(422, "invalid-field", Some("unique_key"));
    let over = send(Some("application/json"), sized(limit + 1)).await;
    over.is_problem(413, "too-large", None);
    let far = send(Some("application/json"), sized(3 * 1024 * 1024)).await;
    far.is_problem(413, "too-large", None);
}

#[tokio::test]
async fn a_query_that_cannot_be_read_names_its_parameter() {
    let door = Door::open().await;
    for (query, name) in [
        ("state=asleep", "state"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("limit=100000", "limit"),
        ("from=yesterday", "from"),
        ("from=-262143-01-01T00:00:00Z", "from"),
        ("q=%00", "q"),
        ("state=running&state=parked", "state"),
    ] {
        let answer = door.get(&format!("/api/jobs?{query}")).await;
        answer.is_problem(400, "bad-query", Some(name));
    }
    for (path, name) in [
        ("/api/news/AAPL?cursor=x", "cursor"),
        ("/api/news/AAPL?limit=201", "limit"),
        ("/api/alerts/recent?cursor=x", "cursor"),
        ("/api/sentiment-summary?hours=0", "hours"),
    ] {
        door.get(path).await.is_problem(400, "bad-query", Some(name));
    }
}

#[tokio::test]
async fn a_symbol_is_checked_before_it_is_looked_for() {
    let door = Door::open().await;
    for path in ["/api/news", "/api/signals", "/api/alerts"] {
        let unknown = door.get(&format!("{path}/ZZZZ")).await;
        unknown.is_problem(404, "not-found", Some("symbol"));
        let invalid = door.get(&format!("{path}/a%20b")).await;
        invalid.is_problem(422, "invalid-field", Some("symbol"));
        assert_eq!(door.get(&format!("{path}/aapl")).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn without_a_database_the_answer_is_503_and_tells_no_internals() {
    let door = Door::open().await;
    door.pool.close().await;
    for path in ["/api/jobs", "/api/latest-data", "/api/queues", "/api/events"] {
        let answer = door.get(path).await;
        answer.is_problem(503, "database-unavailable", None);
        assert_eq!(answer.header("retry-after"), "5");
        assert!(!answer.text.contains("pool"), "{}", answer.text);
    }
    let answer = door.post("/jobs", &json!({ "kind": "prune" })).await;
    answer.is_problem(503, "database-unavailable", None);
}

#[tokio::test]
async fn answers_are_not_cached_and_their_type_is_not_guessed() {
    let door = Door::open().await;
    let answer = door.get("/api/jobs").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-type"), "application/json");
    tokio::time::timeout(Duration::from_secs(10), door.close()).await.unwrap();
}
