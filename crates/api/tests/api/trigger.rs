//! Requests that call for work add jobs and answer at once.

use bellwether_api::Service;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    door::{Answer, Door},
    product::story,
};

#[tokio::test]
async fn scrape_adds_one_batch() {
    let door = Door::open().await;
    for (body, args) in [
        (None, json!({})),
        (Some(json!({})), json!({})),
        (
            Some(json!({ "symbols": ["aapl", "MSFT", "AAPL"] })),
            json!({ "symbols": ["AAPL", "MSFT"] }),
        ),
    ] {
        let answer = match body {
            None => door.command("/scrape").await,
            Some(body) => door.post("/scrape", &body).await,
        };
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        let jobs = answer.body["jobs"].as_array().unwrap();
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0]["kind"], "scrape_batch");
        assert_eq!(jobs[0]["state"], "available");
        let id = jobs[0]["id"].as_str().unwrap();
        assert_eq!(door.get(&format!("/api/jobs/{id}")).await.body["args"], args);
    }
}

#[tokio::test]
async fn scrape_refuses_what_is_no_symbol() {
    let door = Door::open().await;
    for (symbols, field) in [
        (json!([]), "symbols"),
        (json!(["AAPL", "no symbol"]), "symbols[1]"),
        (json!("AAPL"), "symbols"),
        (json!(vec!["A"; 101]), "symbols"),
    ] {
        let answer = door.post("/scrape", &json!({ "symbols": symbols })).await;
        answer.is_problem(422, "invalid-field", Some(field));
    }
    let answer = door.post("/scrape", &json!({ "symbol": "AAPL" })).await;
    answer.is_problem(422, "invalid-field", Some("symbol"));
    let form = door.request(Method::POST, "/scrape").body("symbols=AAPL").send().await.unwrap();
    Answer::of(form).await.is_problem(415, "not-json", Some("Content-Type"));
}

#[tokio::test]
async fn analyze_adds_a_job_for_each_story_that_the_analyzer_has_not_read() {
    let door = Door::open().await;
    let nothing = door.command("/analyze").await;
    assert_eq!((nothing.status, &nothing.body["jobs"]), (StatusCode::ACCEPTED, &json!([])));
    let read = story(&door.pool, "AAPL", 1, Some(0.5)).await;
    let first = story(&door.pool, "AAPL", 2, None).await;
    let second = story(&door.pool, "MSFT", 3, None).await;
    let answer = door.command("/analyze").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let mut articles = Vec::new();
    for job in answer.body["jobs"].as_array().unwrap() {
        assert_eq!(job["kind"], "analyze_article");
        let id = job["id"].as_str().unwrap();
        let args = door.get(&format!("/api/jobs/{id}")).await.body["args"].clone();
        articles.push(args["article"].as_i64().unwrap());
    }
    articles.sort_unstable();
    let mut expected = vec![first, second];
    expected.sort_unstable();
    assert_eq!(articles, expected);
    assert!(!articles.contains(&read));
    // what another analyzer has read is unread for this one
    let model = Door::with(Service::Api, "127.0.0.1:0", "", |app| app.with_analyzer("m/1")).await;
    story(&model.pool, "AAPL", 1, Some(0.5)).await;
    let asked = model.command("/analyze").await.body["jobs"].clone();
    let id = asked[0]["id"].as_str().unwrap();
    let job = model.get(&format!("/api/jobs/{id}")).await.body;
    assert_eq!(job["args"]["analyzer"], "m/1");
    assert!(job["unique_key"].as_str().unwrap().ends_with("/m/1"), "{job}");
    // the jobs are there already, and are named again
    let again = door.command("/analyze").await;
    assert_eq!(again.body["jobs"], answer.body["jobs"]);
}

#[tokio::test]
async fn check_alerts_adds_an_evaluation_per_watched_symbol() {
    let door = Door::open().await;
    let answer = door.command("/check-alerts").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let jobs = answer.body["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2, "AAPL and MSFT are on the watchlist");
    assert!(jobs.iter().all(|job| job["kind"] == "evaluate_alerts"));
}

#[tokio::test]
async fn a_command_that_takes_nothing_refuses_what_it_would_have_to_ignore() {
    let door = Door::open().await;
    for path in ["/analyze", "/check-alerts"] {
        let answer = door.post(path, &json!({})).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        let answer = door.post(path, &json!({ "symbols": ["AAPL"] })).await;
        answer.is_problem(422, "invalid-field", Some("symbols"));
        let broken = door.request(Method::POST, path).header("content-type", "application/json");
        let broken = broken.body("{").send().await.unwrap();
        Answer::of(broken).await.is_problem(400, "malformed-json", None);
    }
}
