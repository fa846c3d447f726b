//! The audit of callers' actions.

use std::time::Duration;

use bellwether_queue::{
    limits::{self, Counts, Limit, Window},
    schedule::{self, Missed, Schedule},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    door::{Answer, Door},
    product::story,
};

const TOKENS: &str = "viewer:see,operator:do-as-i-say,admin:rule-them-all";

async fn send(door: &Door, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let mut request = door.request(method, path).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    Answer::of(request.send().await.unwrap()).await
}

async fn furnish(door: &Door) {
    let limit = Limit::new("newsapi", Counts::Finish)
        .window(Window::requests(100, Duration::from_hours(24)));
    limits::define(&door.pool, &limit).await.unwrap();
    let nightly = Schedule {
        name: "nightly".to_owned(),
        cron: "0 3 * * *".to_owned(),
        zone: "UTC".to_owned(),
        kind: "prune".to_owned(),
        args: json!({}),
        slot: None,
        missed: Missed::Skip,
    };
    schedule::define(&door.pool, &nightly).await.unwrap();
}

#[tokio::test]
async fn the_audit_has_the_caller_and_the_change_of_every_command() {
    let door = Door::guarded(TOKENS).await;
    furnish(&door).await;
    let due = json!({ "kind": "prune", "scheduled_at": "2099-01-01T00:00:00Z" });
    let job = send(&door, "do-as-i-say", Method::POST, "/jobs", Some(due)).await;
    let id = job.body["id"].as_str().unwrap().to_owned();
    let job = |verb: &str| format!("/api/jobs/{id}/{verb}");
    let queue = "/api/queues/maintenance";
    let limit = "/api/limits/newsapi";
    let change = json!({ "windows": [{ "no": 0, "amount": 10 }], "for_seconds": 60 });
    let filter = json!({ "action": "retry", "filter": { "state": "discarded" } });
    // what is asked for, the action and subject told, and a part of what was before and after
    let commands = [
        (
            Method::POST,
            job("cancel"),
            None,
            "job.cancel",
            &*id,
            "/before/state",
            json!("scheduled"),
        ),
        (Method::POST, job("retry"), None, "job.retry", &id, "/after/state", json!("available")),
        (
            Method::POST,
            format!("{queue}/pause"),
            None,
            "queue.pause",
            "maintenance",
            "/before/paused",
            json!(false),
        ),
        (
            Method::POST,
            format!("{queue}/resume"),
            None,
            "queue.resume",
            "maintenance",
            "/after/paused",
            json!(false),
        ),
        (
            Method::PATCH,
            queue.to_owned(),
            Some(json!({ "concurrency": 3 })),
            "queue.change",
            "maintenance",
            "/after",
            json!({ "concurrency": 3 }),
        ),
        (
            Method::PATCH,
            queue.to_owned(),
            Some(json!({ "cap": 7 })),
            "queue.change",
            "maintenance",
            "/before",
            json!({ "cap": null }),
        ),
        (
            Method::POST,
            format!("{limit}/park"),
            Some(json!({ "seconds": 60 })),
            "limit.park",
            "newsapi",
            "/after/parked_why",
            json!("parked by an operator"),
        ),
        (
            Method::POST,
            format!("{limit}/resume"),
            None,
            "limit.resume",
            "newsapi",
            "/before/parked_why",
            json!("parked by an operator"),
        ),
        (
            Method::POST,
            format!("{limit}/trip"),
            Some(json!({ "seconds": 60, "reason": "it lies" })),
            "limit.trip",
            "newsapi",
            "/after/reason",
            json!("it lies"),
        ),
        (
            Method::POST,
            format!("{limit}/reset"),
            None,
            "limit.reset",
            "newsapi",
            "/before/state",
            json!("open"),
        ),
        (
            Method::POST,
            format!("{limit}/count"),
            Some(json!({ "requests": 3 })),
            "limit.count",
            "newsapi",
            "/after/requests",
            json!(3),
        ),
        (
            Method::PATCH,
            limit.to_owned(),
            Some(change),
            "limit.override",
            "newsapi",
            "/before/windows/0/amount",
            json!(100),
        ),
        (
            Method::POST,
            "/api/schedules/nightly/pause".to_owned(),
            None,
            "schedule.pause",
            "nightly",
            "/after/paused",
            json!(true),
        ),
        (
            Method::POST,
            "/api/schedules/nightly/resume".to_owned(),
            None,
            "schedule.resume",
            "nightly",
            "/before/paused",
            json!(true),
        ),
        (
            Method::POST,
            "/api/schedules/nightly/run".to_owned(),
            None,
            "schedule.run",
            "nightly",
            "/before",
            json!(null),
        ),
        (
            Method::POST,
            "/api/jobs/bulk".to_owned(),
            Some(filter),
            "jobs.retry.done",
            "1",
            "/after/changed",
            json!(0),
        ),
    ];
    for (method, path, body, action, subject, at, value) in commands {
        let answer = send(&door, "rule-them-all", method.clone(), &path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        let told = send(&door, "see", Method::GET, "/api/audit?limit=1", None).await;
        let told = &told.body["items"][0];
        assert_eq!(told["action"], action, "{told}");
        assert_eq!(told["subject"], subject, "{told}");
        assert_eq!(told["detail"].pointer(at), Some(&value), "{told}");
        assert!(told["at"].as_str().unwrap().ends_with('Z'));
        let actor = told["actor"].as_str().unwrap();
        assert_eq!(actor, "admin/3", "the token's place in the configuration");
        if action != "jobs.retry.done" {
            assert_eq!(told["detail"]["address"], "127.0.0.1", "{told}");
        }
    }
    let pause = format!("{queue}/pause");
    send(&door, "do-as-i-say", Method::POST, &pause, None).await;
    let all = send(&door, "see", Method::GET, "/api/audit?limit=200", None).await;
    assert!(all.body["items"][0]["actor"].as_str().unwrap() == "operator/2");
    for token in ["do-as-i-say", "rule-them-all", "see\""] {
        assert!(!all.text.contains(token), "a token is told: {}", all.text);
    }
}

#[tokio::test]
async fn a_command_without_effect_is_not_in_the_audit() {
    let door = Door::open().await;
    furnish(&door).await;
    let id = door.add(&json!({ "kind": "prune" })).await;
    let refused = [
        (format!("/api/jobs/{id}/retry"), None, 409),
        ("/api/jobs/999999/cancel".to_owned(), None, 404),
        ("/api/queues/none/pause".to_owned(), None, 404),
        ("/api/schedules/none/run".to_owned(), None, 404),
        ("/api/schedules/none/pause".to_owned(), None, 404),
        ("/api/limits/none/resume".to_owned(), None, 404),
        ("/api/limits/none/park".to_owned(), Some(json!({ "seconds": 60 })), 404),
        ("/api/limits/none/count".to_owned(), Some(json!({ "requests": 1 })), 404),
        ("/api/limits/newsapi/park".to_owned(), Some(json!({ "seconds": 0 })), 422),
    ];
    for (path, body, status) in refused {
        let answer = match body {
            Some(body) => door.post(&path, &body).await,
            None => door.command(&path).await,
        };
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
    }
    let told = door.get("/api/audit").await.body["items"].clone();
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told[0]["action"], "job.add");
}

#[tokio::test]
async fn without_its_entry_a_command_has_no_effect() {
    let door = Door::open().await;
    let id = door.add(&json!({ "kind": "prune" })).await;
    furnish(&door).await;
    sqlx::raw_sql("alter table queue.audit add constraint full_up check (false) not valid")
        .execute(&door.pool)
        .await
        .unwrap();
    let park = door.post("/api/limits/newsapi/park", &json!({ "seconds": 60 })).await;
    park.is_problem(500, "internal", None);
    for path in [
        format!("/api/jobs/{id}/cancel"),
        "/api/queues/maintenance/pause".to_owned(),
        "/api/schedules/nightly/pause".to_owned(),
        "/api/schedules/nightly/run".to_owned(),
    ] {
        door.command(&path).await.is_problem(500, "internal", None);
    }
    assert_eq!(door.get(&format!("/api/jobs/{id}")).await.body["state"], "available");
    assert_eq!(door.get("/api/queues").await.body["items"][0]["paused"], false);
    assert_eq!(door.get("/api/limits").await.body["items"][0]["parked_until"], json!(null));
    assert_eq!(door.get("/api/schedules").await.body["items"][0]["paused"], false);
    let jobs = door.get("/api/jobs").await.body;
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "the schedule added none");
}

#[tokio::test]
async fn an_open_port_tells_its_own_machine_and_pages_go_back_in_time() {
    let door = Door::open().await;
    door.add(&json!({ "kind": "prune" })).await;
    for verb in ["pause", "resume", "pause"] {
        let answer = door.command(&format!("/api/queues/maintenance/{verb}")).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let first = door.get("/api/audit?limit=2").await.body;
    let items = first["items"].as_array().unwrap();
    assert_eq!(items[0]["actor"], "local");
    assert_eq!(
        (&items[0]["action"], &items[1]["action"]),
        (&json!("queue.pause"), &json!("queue.resume"))
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = door.get(&format!("/api/audit?limit=2&cursor={cursor}")).await.body;
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);
    assert_eq!(rest["next_cursor"], json!(null));
    door.get("/api/audit?limit=201").await.is_problem(400, "bad-query", Some("limit"));
    door.get("/api/audit?cursor=x").await.is_problem(400, "bad-query", Some("cursor"));
}

#[tokio::test]
async fn a_request_for_work_is_in_the_audit_with_its_jobs() {
    let door = Door::open().await;
    let id = door.add(&json!({ "kind": "prune", "unique_key": "u" })).await;
    door.post("/jobs", &json!({ "kind": "prune", "unique_key": "u" })).await;
    let told = door.get("/api/audit").await.body["items"].clone();
    assert_eq!(told.as_array().unwrap().len(), 1, "a duplicate changes nothing: {told}");
    assert_eq!((&told[0]["action"], &told[0]["subject"]), (&json!("job.add"), &json!(id)));
    let after = json!({ "kind": "prune", "unique_key": "u" });
    assert_eq!(told[0]["detail"]["after"], after);
    story(&door.pool, "AAPL", 1, None).await;
    for (path, action, kind) in [
        ("/scrape", "pipeline.scrape", "scrape_batch"),
        ("/analyze", "pipeline.analyze", "analyze_article"),
        ("/check-alerts", "pipeline.check_alerts", "evaluate_alerts"),
    ] {
        let answer = door.command(path).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        let jobs = answer.body["jobs"].as_array().unwrap();
        let told = door.get("/api/audit?limit=1").await.body["items"][0].clone();
        assert_eq!((&told["action"], &told["subject"]), (&json!(action), &json!(kind)));
        assert_eq!(told["detail"]["after"]["added"], jobs.len());
        assert_eq!(told["detail"]["after"]["jobs"][0], jobs[0]["id"]);
    }
}

#[tokio::test]
async fn the_audit_names_the_client_that_a_proxy_names() {
    let door = Door::guarded(TOKENS).await;
    furnish(&door).await;
    let park = door
        .request(Method::POST, "/api/limits/newsapi/park")
        .bearer_auth("do-as-i-say")
        .header("X-Forwarded-For", "198.51.100.1, 203.0.113.9")
        .json(&json!({ "seconds": 5 }));
    assert_eq!(park.send().await.unwrap().status(), StatusCode::OK);
    let audit = send(&door, "see", Method::GET, "/api/audit", None).await;
    let address = &audit.body["items"][0]["detail"]["address"];
    assert_eq!(address, "203.0.113.9", "the last one is the proxy's own word");
}
