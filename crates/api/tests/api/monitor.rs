//! Queues, limits, schedules and workers.

use std::time::Duration;

use bellwether_queue::{
    limits::{self, Counts, Limit, Window},
    schedule::{self, Missed, Schedule},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::door::{Answer, Door};

#[tokio::test]
async fn a_queue_is_paused_resumed_and_sized() {
    let door = Door::open().await;
    door.add(&json!({ "kind": "prune" })).await;
    let list = door.get("/api/queues").await.body;
    let queue = list["items"].as_array().unwrap().iter().find(|q| q["name"] == "maintenance");
    let queue = queue.unwrap();
    assert_eq!(queue["depth"]["available"], 1);
    assert_eq!(queue["depth"]["running"], 0);
    assert_eq!(queue["paused"], false);
    let paused = door.command("/api/queues/maintenance/pause").await;
    assert_eq!(paused.status, StatusCode::OK, "{}", paused.text);
    assert_eq!(paused.body["paused"], true);
    let resumed = door.command("/api/queues/maintenance/resume").await;
    assert_eq!(resumed.body["paused"], false);
    let patch = async |body| {
        let request = door.request(Method::PATCH, "/api/queues/maintenance").json(&body);
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(patch(json!({ "concurrency": 3 })).await.body["concurrency"], 3);
    assert_eq!(patch(json!({ "concurrency": null })).await.body["concurrency"], json!(null));
    for wrong in [json!(0), json!(1001), json!("many")] {
        let answer = patch(json!({ "concurrency": wrong })).await;
        answer.is_problem(422, "invalid-field", Some("concurrency"));
    }
    patch(json!({})).await.is_problem(422, "invalid-field", Some("concurrency"));
    assert_eq!(patch(json!({ "cap": 12 })).await.body["cap"], 12);
    let both = patch(json!({ "cap": null, "concurrency": 2 })).await.body;
    assert_eq!((&both["cap"], &both["concurrency"]), (&json!(null), &json!(2)));
    assert_eq!(patch(json!({ "cap": 0 })).await.body["concurrency"], 2, "it stays as it is");
    for wrong in [json!(-1), json!(100_001), json!("many")] {
        patch(json!({ "cap": wrong })).await.is_problem(422, "invalid-field", Some("cap"));
    }
}

#[tokio::test]
async fn a_limit_is_parked_and_resumed() {
    let door = Door::open().await;
    let limit = Limit::new("gemini/flash", Counts::Finish)
        .window(Window::requests(15, Duration::from_mins(1)))
        .in_flight(2);
    limits::define(&door.pool, &limit).await.unwrap();
    let list = door.get("/api/limits").await.body;
    let shown = &list["items"][0];
    assert_eq!(shown["key"], "gemini/flash");
    assert_eq!(shown["counts_from"], "finish");
    assert_eq!(shown["in_flight_cap"], 2);
    assert_eq!(shown["windows"][0]["amount"], 15);
    assert_eq!(shown["windows"][0]["remaining"], 15);
    assert_eq!(shown["windows"][0]["period_seconds"], 60.0);
    let park = json!({ "seconds": 60, "reason": "a look at it" });
    let parked = door.post("/api/limits/gemini%2Fflash/park", &park).await;
    assert_eq!(parked.status, StatusCode::OK, "{}", parked.text);
    assert_eq!(parked.body["parked_why"], "a look at it");
    assert!(parked.body["parked_until"].is_string());
    let resumed = door.command("/api/limits/gemini%2Fflash/resume").await;
    assert_eq!(resumed.body["parked_until"], json!(null), "{}", resumed.text);
    for wrong in [json!(0), json!(2_592_001), json!("long")] {
        let answer =
            door.post("/api/limits/gemini%2Fflash/park", &json!({ "seconds": wrong })).await;
        answer.is_problem(422, "invalid-field", Some("seconds"));
    }
}

#[tokio::test]
async fn a_limit_is_parked_until_a_time_or_until_it_is_resumed() {
    let door = Door::open().await;
    let limit =
        Limit::new("newsapi", Counts::Finish).window(Window::requests(15, Duration::from_mins(1)));
    limits::define(&door.pool, &limit).await.unwrap();
    let now = bellwether_store::now(&door.pool).await.unwrap();
    let path = "/api/limits/newsapi/park";
    let days = |days: i64| (now + chrono::TimeDelta::days(days)).to_rfc3339();
    let parked = door.post(path, &json!({ "until": days(2) })).await;
    assert_eq!(parked.status, StatusCode::OK, "{}", parked.text);
    let until = |answer: &Answer| {
        let text = answer.body["parked_until"].as_str().unwrap();
        text.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - now
    };
    assert_eq!(until(&parked).num_hours(), 48);
    assert_eq!(until(&door.command(path).await).num_days(), 30, "nobody said how long");
    for wrong in [days(-1), days(31), "tomorrow".to_owned()] {
        let answer = door.post(path, &json!({ "until": wrong })).await;
        answer.is_problem(422, "invalid-field", Some("until"));
    }
    let both = door.post(path, &json!({ "until": days(1), "seconds": 1 })).await;
    both.is_problem(422, "invalid-field", Some("until"));
}

#[tokio::test]
async fn a_schedule_is_run_paused_and_resumed() {
    let door = Door::open().await;
    let nightly = Schedule {
        name: "nightly".to_owned(),
        cron: "0 3 * * *".to_owned(),
        zone: "America/New_York".to_owned(),
        kind: "prune".to_owned(),
        args: json!({}),
        slot: None,
        missed: Missed::Skip,
    };
    schedule::define(&door.pool, &nightly).await.unwrap();
    let list = door.get("/api/schedules").await.body;
    assert_eq!(list["items"][0]["name"], "nightly");
    assert_eq!(list["items"][0]["zone"], "America/New_York");
    let run = door.command("/api/schedules/nightly/run").await;
    assert_eq!(run.status, StatusCode::ACCEPTED, "{}", run.text);
    assert_eq!(run.body["jobs"][0]["kind"], "prune");
    assert_eq!(run.body["jobs"][0]["state"], "available");
    let paused = door.command("/api/schedules/nightly/pause").await;
    assert_eq!(paused.body["paused"], true, "{}", paused.text);
    let resumed = door.command("/api/schedules/nightly/resume").await;
    assert_eq!(resumed.body["paused"], false);
}

#[tokio::test]
async fn lists_without_anything_are_empty_pages() {
    let door = Door::open().await;
    for path in ["/api/workers", "/api/limits", "/api/schedules", "/api/alerts/recent"] {
        let answer = door.get(path).await;
        assert_eq!(answer.body, json!({ "items": [], "next_cursor": null }), "{path}");
    }
}

#[tokio::test]
async fn every_kind_tells_its_queue_and_what_its_arguments_look_like() {
    let door = Door::open().await;
    let answer = door.get("/api/kinds").await;
    let items = answer.body["items"].as_array().unwrap();
    let kinds: Vec<_> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["analyze_article", "evaluate_alerts", "prune", "scrape_batch"]);
    assert_eq!(items[0]["queue"], "analyzer");
    assert_eq!(items[0]["schema"]["properties"]["article"]["type"], "integer");
    assert_eq!(items[0]["schema"]["properties"]["analyzer"]["type"], json!(["string", "null"]));
}
