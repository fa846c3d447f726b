//! Counts by step.

use reqwest::StatusCode;
use serde_json::json;

use crate::door::Door;

#[tokio::test]
async fn each_range_has_all_of_its_steps() {
    let door = Door::open().await;
    for (query, points, step) in [
        ("", 60, 60),
        ("?range=15m", 15, 60),
        ("?range=1h", 60, 60),
        ("?range=6h", 72, 300),
        ("?range=24h", 96, 900),
        ("?range=7d", 84, 7_200),
    ] {
        let stats = door.get(&format!("/api/stats{query}")).await;
        assert_eq!(stats.status, StatusCode::OK, "{}", stats.text);
        let stats = stats.body;
        assert_eq!(stats["points"].as_array().unwrap().len(), points, "{query}");
        assert_eq!(stats["step_seconds"], step);
        assert_eq!(stats["range_seconds"].as_u64().unwrap(), points as u64 * step);
        let first = &stats["points"][0];
        assert_eq!(first["at"], stats["from"]);
        for count in ["enqueued", "started", "completed", "failed", "discarded", "cancelled"] {
            assert_eq!(first[count], 0, "{count}");
        }
        assert_eq!(first["wait_ms"], json!(null));
        assert_eq!(stats["kinds"], json!([]));
    }
}

#[tokio::test]
async fn a_job_just_added_and_cancelled_is_in_the_last_step() {
    let door = Door::open().await;
    let id = door.add(&json!({ "kind": "prune" })).await;
    door.add(&json!({ "kind": "scrape_batch" })).await;
    door.command(&format!("/api/jobs/{id}/cancel")).await;
    sqlx::query(
        "insert into queue.delta (lane, kind, was, became, duration, n)
        select id, 'prune', 'running', 'completed', 25, 2 from queue.lane where queue = 'maintenance'",
    )
    .execute(&door.pool)
    .await
    .unwrap();
    let sums = async |query: &str| {
        let stats = door.get(&format!("/api/stats?{query}")).await.body;
        let points = stats["points"].as_array().unwrap().clone();
        let sum = |name: &str| points.iter().map(|p| p[name].as_i64().unwrap()).sum::<i64>();
        ([sum("enqueued"), sum("cancelled"), sum("completed")], stats["kinds"].clone())
    };
    let (all, kinds) = sums("range=15m").await;
    assert_eq!(all, [2, 1, 2]);
    let kinds: Vec<_> = kinds.as_array().unwrap().iter().map(|k| &k["kind"]).cloned().collect();
    assert_eq!(kinds, [json!("prune"), json!("scrape_batch")]);
    let (own, kinds) = sums("range=15m&queue=maintenance").await;
    assert_eq!(own, [1, 1, 2]);
    assert_eq!(kinds[0]["queue"], "maintenance");
    assert_eq!(kinds[0]["completed"], 2);
    let p50 = kinds[0]["run_ms"]["p50"].as_f64().unwrap();
    assert!((64.0..77.0).contains(&p50), "{p50}");
    assert_eq!(sums("kind=scrape_batch").await.0, [1, 0, 0]);
    let unknown = door.get("/api/stats?range=15m&kind=nothing").await;
    unknown.is_problem(400, "bad-query", Some("kind"));
}

#[tokio::test]
async fn a_parameter_that_does_not_fit_is_named() {
    let door = Door::open().await;
    for range in ["2h", "1H", "all"] {
        let answer = door.get(&format!("/api/stats?range={range}")).await;
        answer.is_problem(400, "bad-query", Some("range"));
    }
    let long = "x".repeat(501);
    let answer = door.get(&format!("/api/stats?queue={long}")).await;
    answer.is_problem(400, "bad-query", Some("queue"));
    door.get("/api/stats?kind=a%00b").await.is_problem(400, "bad-query", Some("kind"));
}

#[tokio::test]
async fn a_viewer_may_read_them() {
    let door = Door::guarded("viewer:see").await;
    door.get("/api/stats").await.is_problem(401, "unauthorized", None);
    let seen = door.request(reqwest::Method::GET, "/api/stats").bearer_auth("see");
    assert_eq!(seen.send().await.unwrap().status(), StatusCode::OK);
}
