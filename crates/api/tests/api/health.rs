//! Life, readiness, figures, and the page.

use bellwether_api::Service;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::Executor;

use crate::door::Door;

#[tokio::test]
async fn health_says_who_answers_even_without_a_database() {
    let door = Door::of(Service::Analyzer, "127.0.0.1:0", "").await;
    door.pool.close().await;
    let answer = door.get("/health").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body,
        json!({ "status": "healthy", "service": "analyzer", "version": "1.2.3" })
    );
    door.get("/ready").await.is_problem(503, "not-ready", None);
    door.get("/api/sentiment-summary").await.is_problem(503, "database-unavailable", None);
    let metrics = door.get("/metrics").await;
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(!metrics.text.contains("bellwether_database_up"), "the API alone asks for all");
}

#[tokio::test]
async fn metrics_without_a_database_say_so() {
    let door = Door::open().await;
    door.pool.close().await;
    let metrics = door.get("/metrics").await;
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(metrics.text.contains("bellwether_database_up 0"), "{}", metrics.text);
}

#[tokio::test]
async fn ready_is_no_more_once_the_process_drains() {
    let door = Door::open().await;
    assert_eq!(door.get("/ready").await.body, json!({ "status": "ready" }));
    door.app.drain();
    let answer = door.get("/ready").await;
    answer.is_problem(503, "not-ready", None);
    assert!(answer.body["detail"].as_str().unwrap().contains("draining"));
    assert_eq!(door.get("/api/jobs").await.status, StatusCode::OK);
}

#[tokio::test]
async fn ready_waits_for_migrations() {
    let door = Door::open().await;
    let forget = "delete from _sqlx_migrations \
                  where version = (select max(version) from _sqlx_migrations)";
    door.pool.execute(forget).await.unwrap();
    let answer = door.get("/ready").await;
    answer.is_problem(503, "not-ready", None);
    assert!(answer.body["detail"].as_str().unwrap().contains("schema"), "{}", answer.text);
}

#[tokio::test]
async fn metrics_tell_every_state_of_every_queue() {
    let door = Door::open().await;
    door.add(&json!({ "kind": "prune" })).await;
    let text = door.get("/metrics").await.text;
    for line in [
        "bellwether_database_up 1",
        "bellwether_jobs{queue=\"maintenance\",kind=\"prune\",state=\"available\"} 1",
        "bellwether_jobs{queue=\"maintenance\",kind=\"prune\",state=\"running\"} 0",
        "# TYPE bellwether_queue_oldest_available_seconds gauge",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
