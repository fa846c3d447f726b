//! Jobs come in by POST and are found again.

use bellwether_queue::{Attempt, Failure, Handlers, Job, JobArgs, testing::Inline};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::door::Door;

#[tokio::test]
async fn a_job_is_created_with_its_kinds_policy() {
    let door = Door::open().await;
    let answer = door.post("/jobs", &json!({ "kind": "scrape_batch" })).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let job = &answer.body;
    let id = job["id"].as_str().expect("ids are strings");
    assert_eq!(answer.header("location"), format!("/api/jobs/{id}"));
    assert_eq!(job["kind"], "scrape_batch");
    assert_eq!(job["queue"], "scraper");
    assert_eq!(job["state"], "available");
    assert_eq!(job["priority"], 4);
    assert_eq!(job["max_attempts"], 5);
    assert_eq!(job["attempt"], 0);
    assert_eq!(job["args"], json!({}));
    assert_eq!(job["duplicate"], false);
    let created = job["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z'), "{created} is not UTC");
    let found = door.get(&format!("/api/jobs/{id}")).await;
    assert_eq!(found.status, StatusCode::OK);
    assert_eq!(found.body["id"], id);
    assert_eq!(found.body.get("output"), Some(&Value::Null));
    assert_eq!(found.body["attempts"], json!([]));
    assert_eq!(found.body["parents"], json!([]));
    assert_eq!(found.body["children"], json!([]));
}

/// Returns how many there are.
#[derive(serde::Serialize, serde::Deserialize)]
struct Count {
    symbols: Vec<String>,
}

impl JobArgs for Count {
    const KIND: &'static str = "count";
    const QUEUE: &'static str = "counts";
}

impl Job for Count {
    type Context = ();
    type Output = Value;

    async fn run(self, (): (), _: &Attempt) -> Result<Value, Failure> {
        Ok(json!({ "symbols": self.symbols.len() }))
    }
}

#[tokio::test]
async fn a_completed_job_tells_what_its_work_returned() {
    let door = Door::open().await;
    let mut inline = Inline::new(&door.pool, Handlers::new().with::<Count>(())).await.unwrap();
    let ran = inline.run(Count { symbols: vec!["AAPL".to_owned()] }).await.unwrap();
    let found = door.get(&format!("/api/jobs/{}", ran.job)).await;
    assert_eq!(found.body["state"], "completed");
    assert_eq!(found.body["output"], json!({ "symbols": 1 }));
}

#[tokio::test]
async fn what_the_request_says_wins_over_the_kind() {
    let door = Door::open().await;
    let body = json!({
        "kind": "scrape_batch", "args": { "symbols": ["AAPL"] }, "priority": 0,
        "scheduled_at": "2099-01-01T00:00:00+02:00", "unique_key": "mine", "max_attempts": 25,
        "tags": ["by-hand"],
    });
    let answer = door.post("/jobs", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let job = answer.body;
    assert_eq!(job["state"], "scheduled");
    assert_eq!(job["scheduled_at"], "2098-12-31T22:00:00Z");
    assert_eq!(job["priority"], 0);
    assert_eq!(job["max_attempts"], 25);
    assert_eq!(job["unique_key"], "mine");
    assert_eq!(job["tags"], json!(["by-hand"]));
    assert_eq!(job["args"], json!({ "symbols": ["AAPL"] }));
}

#[tokio::test]
async fn the_same_unique_key_gives_the_job_that_has_it() {
    let door = Door::open().await;
    let body = json!({ "kind": "prune", "unique_key": "today" });
    let id = door.add(&body).await;
    let again = door.post("/jobs", &body).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.body["id"], id);
    assert_eq!(again.body["duplicate"], true);
    // the scope of a key is its kind
    let other = door.add(&json!({ "kind": "scrape_batch", "unique_key": "today" })).await;
    assert_ne!(other, id);
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let door = Door::open().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({ "kind": "prune" });
        body[field] = value;
        body
    };
    let unknown = door.post("/jobs", &with("kind", json!("nonsense"))).await;
    unknown.is_problem(422, "unknown-kind", Some("kind"));
    assert!(unknown.body["detail"].as_str().unwrap().contains("scrape_batch"));
    let args = door.post("/jobs", &with("args", json!({ "days": "x" }))).await;
    args.is_problem(422, "invalid-args", Some("args.days"));
    let unknown = door.post("/jobs", &with("args", json!({ "dayz": 1 }))).await;
    unknown.is_problem(422, "invalid-args", Some("args.dayz"));
    door.post("/jobs", &json!({})).await.is_problem(422, "invalid-field", Some("kind"));
    for (field, value, named) in [
        ("kind", json!(1), "kind"),
        ("priority", json!(10), "priority"),
        ("priority", json!(-1), "priority"),
        ("priority", json!("first"), "priority"),
        ("max_attempts", json!(0), "max_attempts"),
        ("max_attempts", json!(26), "max_attempts"),
        ("scheduled_at", json!("tomorrow"), "scheduled_at"),
        ("scheduled_at", json!("-262143-01-01T00:00:00Z"), "scheduled_at"),
        ("scheduled_at", json!("+262142-01-01T00:00:00Z"), "scheduled_at"),
        ("unique_key", json!(""), "unique_key"),
        ("unique_key", json!("x".repeat(256)), "unique_key"),
        ("unique_key", json!("a\u{0}b"), "unique_key"),
        ("tags", json!("one"), "tags"),
        ("tags", json!([""]), "tags[0]"),
        ("tags", json!(["a", 1]), "tags[1]"),
        ("tags", json!(vec!["x"; 21]), "tags"),
        ("args", json!({ "text": "\u{0}" }), "args.text"),
        ("prioritty", json!(1), "prioritty"),
    ] {
        let answer = door.post("/jobs", &with(field, value)).await;
        answer.is_problem(422, "invalid-field", Some(named));
    }
    let list = door.post("/jobs", &json!(["prune"])).await;
    list.is_problem(422, "invalid-field", Some("body"));
    assert_eq!(door.get("/api/jobs").await.body["items"], json!([]), "nothing was added");
}

#[tokio::test]
async fn pages_hold_every_job_once_newest_first() {
    let door = Door::open().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let tag = if n % 2 == 0 { "even" } else { "odd" };
        ids.push(door.add(&json!({ "kind": "scrape_batch", "tags": [tag] })).await);
    }
    door.add(&json!({ "kind": "prune", "scheduled_at": "2099-01-01T00:00:00Z" })).await;
    ids.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/jobs?kind=scrape_batch&limit=2".to_owned();
    loop {
        let page = door.get(&path).await.body;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => {
                path = format!("/api/jobs?kind=scrape_batch&limit=2&cursor={cursor}");
            }
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let count = async |query: &str| {
        let page = door.get(&format!("/api/jobs?{query}")).await;
        page.body["items"].as_array().unwrap_or_else(|| panic!("{}", page.text)).len()
    };
    assert_eq!(count("tag=odd").await, 2);
    assert_eq!(count("state=scheduled").await, 1);
    assert_eq!(count("queue=maintenance").await, 1);
    assert_eq!(count("kind=scrape_batch&state=available").await, 5);
    assert_eq!(count("from=2099-01-01T00:00:00Z").await, 0);
    assert_eq!(count("to=2099-01-01T00:00:00Z").await, 6);
    for empty in ["state", "kind", "limit"] {
        let answer = door.get(&format!("/api/jobs?{empty}=")).await;
        answer.is_problem(400, "bad-query", Some(empty));
    }
}

#[tokio::test]
async fn a_waiting_job_can_be_cancelled_once_and_retried() {
    let door = Door::open().await;
    let id = door.add(&json!({ "kind": "prune", "scheduled_at": "2099-01-01T00:00:00Z" })).await;
    let why = door.get(&format!("/api/jobs/{id}/why")).await;
    assert_eq!(why.status, StatusCode::OK, "{}", why.text);
    assert_eq!(why.body["state"], "scheduled");
    assert!(!why.body["reason"].as_str().unwrap().is_empty());
    let cancelled = door.command(&format!("/api/jobs/{id}/cancel")).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
    assert_eq!(cancelled.body["state"], "cancelled");
    let again = door.command(&format!("/api/jobs/{id}/cancel")).await;
    again.is_problem(409, "not-applicable", None);
    let retried = door.command(&format!("/api/jobs/{id}/retry")).await;
    assert_eq!(retried.status, StatusCode::OK, "{}", retried.text);
    assert_eq!(retried.body["state"], "available");
    let again = door.command(&format!("/api/jobs/{id}/retry")).await;
    again.is_problem(409, "not-applicable", None);
}
