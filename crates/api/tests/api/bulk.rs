//! One command to many jobs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::door::{Answer, Door};

const TOKENS: &str = "viewer:see,operator:do,admin:rule";

async fn fill(door: &Door, n: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for i in 0..n {
        let body = json!({ "kind": "scrape_batch", "tags": [format!("t{}", i % 2)] });
        ids.push(door.add(&body).await);
    }
    ids
}

async fn post(door: &Door, token: &str, body: &Value) -> Answer {
    let request = door.request(Method::POST, "/api/jobs/bulk").bearer_auth(token).json(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_dry_run_counts_what_the_list_shows_and_changes_nothing() {
    let door = Door::open().await;
    fill(&door, 5).await;
    let ask = json!({
        "action": "cancel", "dry_run": true,
        "filter": { "state": "available", "kind": "scrape_batch", "tag": "t0" },
    });
    let counted = door.post("/api/jobs/bulk", &ask).await;
    assert_eq!(counted.status, StatusCode::OK, "{}", counted.text);
    let expected = json!({
        "id": null, "action": "cancel", "dry_run": true, "matched": 3, "changed": 0, "skipped": 0,
        "state": "done",
    });
    assert_eq!(counted.body, expected);
    let listed = door.get("/api/jobs?state=available&kind=scrape_batch&tag=t0").await.body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    let cancelled = door.get("/api/jobs?state=cancelled").await.body;
    assert_eq!(cancelled["items"], json!([]));
    let audit = door.get("/api/audit").await.body;
    let commands = audit["items"].as_array().unwrap().iter().filter(|e| e["action"] != "job.add");
    assert_eq!(commands.count(), 0, "no caller changed a job");
}

#[tokio::test]
async fn jobs_are_cancelled_retried_and_deleted_by_filter() {
    let door = Door::open().await;
    let ids = fill(&door, 4).await;
    door.add(&json!({ "kind": "prune" })).await;
    let run = async |action: &str, filter: Value| {
        let body = json!({ "action": action, "filter": filter });
        let answer = door.post("/api/jobs/bulk", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.body["state"], "done");
        let followed =
            door.get(&format!("/api/jobs/bulk/{}", answer.body["id"].as_str().unwrap())).await;
        assert_eq!(followed.body, answer.body);
        (answer.body["matched"].as_i64().unwrap(), answer.body["changed"].as_i64().unwrap())
    };
    assert_eq!(run("cancel", json!({ "kind": "scrape_batch" })).await, (4, 4));
    assert_eq!(run("retry", json!({ "ids": [ids[0], ids[1], "999999"] })).await, (2, 2));
    assert_eq!(run("cancel", json!({ "state": "cancelled" })).await, (0, 0), "they have ended");
    assert_eq!(run("delete", json!({ "state": "cancelled", "tag": "t1" })).await, (1, 1));
    assert_eq!(door.get(&format!("/api/jobs/{}", ids[3])).await.status, StatusCode::NOT_FOUND);
    let left = door.get("/api/jobs").await.body;
    assert_eq!(left["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_large_command_continues_in_the_background_and_can_be_followed() {
    let door = Door::open().await;
    let enqueue = "insert into queue.queue (name) values ('scraper');
        insert into queue.lane (queue, name) values ('scraper', 'default');
        insert into queue.ready (id, lane, priority, kind, attempt, max_attempts, args, created_at, available_at)
        select nextval('queue.job_id'), 1, 4, 'scrape_batch', 0, 5, '{}', now(), now() from generate_series(1, 10000)";
    sqlx::raw_sql(enqueue).execute(&door.pool).await.unwrap();
    let body = json!({ "action": "cancel", "filter": { "state": "available" } });
    let begun = door.post("/api/jobs/bulk", &body).await;
    assert_eq!(begun.body["matched"], 10_000, "{}", begun.text);
    let id = begun.body["id"].as_str().unwrap();
    let path = format!("/api/jobs/bulk/{id}");
    if begun.status == StatusCode::ACCEPTED {
        assert_eq!(begun.body["state"], "running");
        assert_eq!(begun.header("location"), path);
    }
    // ten thousand jobs take their time where other tests want the machine too
    let patience = std::time::Duration::from_mins(2);
    let done = bellwether_testing::wait_until_within(patience, "the command to end", || async {
        let now = door.get(&path).await.body;
        (now["state"] == "done").then_some(now)
    })
    .await;
    assert_eq!((&done["changed"], &done["skipped"]), (&json!(10_000), &json!(0)));
    door.command(&format!("{path}/cancel")).await.is_problem(409, "not-applicable", None);
}

#[tokio::test]
async fn a_running_command_is_cancelled() {
    let door = Door::open().await;
    fill(&door, 1).await;
    // one that some other process has begun
    let id: i64 = sqlx::query_scalar(
        "insert into queue.bulk (action, filter, actor, upto, matched)
        values ('cancel', '{\"state\": \"available\"}', 'operator/0', 100, 1) returning id",
    )
    .fetch_one(&door.pool)
    .await
    .unwrap();
    let running = door.get(&format!("/api/jobs/bulk/{id}")).await;
    assert_eq!(running.body["state"], "running", "{}", running.text);
    let off = door.command(&format!("/api/jobs/bulk/{id}/cancel")).await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    assert_eq!(off.body["state"], "cancelled");
    let again = door.command(&format!("/api/jobs/bulk/{id}/cancel")).await;
    again.is_problem(409, "not-applicable", None);
    for unknown in ["999", "x"] {
        let path = format!("/api/jobs/bulk/{unknown}");
        door.get(&path).await.is_problem(404, "not-found", None);
        door.command(&format!("{path}/cancel")).await.is_problem(404, "not-found", None);
    }
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let door = Door::open().await;
    let many: Vec<String> = (0..10_001).map(|i| i.to_string()).collect();
    for (body, field) in [
        (json!({ "action": "cancel", "filter": {} }), "filter"),
        (json!({ "action": "cancel", "filter": {}, "dry_run": true }), "filter"),
        (json!({ "action": "cancel", "filter": { "q": "" } }), "filter.q"),
        (json!({ "action": "cancel" }), "filter"),
        (json!({ "filter": { "state": "available" } }), "action"),
        (json!({ "action": "destroy", "filter": { "state": "available" } }), "action"),
        (json!({ "action": "retry", "filter": { "state": "asleep" } }), "filter.state"),
        (json!({ "action": "retry", "filter": { "sate": "available" } }), "filter.sate"),
        (json!({ "action": "retry", "filter": { "ids": [] } }), "filter.ids"),
        (json!({ "action": "retry", "filter": { "ids": many } }), "filter.ids"),
        (json!({ "action": "retry", "filter": { "ids": ["1", "x"] } }), "filter.ids[1]"),
        (json!({ "action": "retry", "filter": { "from": "yesterday" } }), "filter.from"),
        (json!({ "action": "retry", "filter": { "q": "x".repeat(501) } }), "filter.q"),
        (json!({ "action": "retry", "filter": { "kind": "a" }, "dry_run": "yes" }), "dry_run"),
    ] {
        let answer = door.post("/api/jobs/bulk", &body).await;
        answer.is_problem(422, "invalid-field", Some(field));
    }
    let refused = door.post("/api/jobs/bulk", &json!({ "action": "cancel", "filter": {} })).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("every job"), "{}", refused.text);
}

#[tokio::test]
async fn a_viewer_counts_an_operator_performs_and_an_admin_deletes() {
    let door = Door::guarded(TOKENS).await;
    for (action, dry_run, allowed) in [
        ("cancel", true, 3),
        ("delete", true, 3),
        ("cancel", false, 2),
        ("retry", false, 2),
        ("delete", false, 1),
    ] {
        let filter = json!({ "state": "discarded" });
        let body = json!({ "action": action, "dry_run": dry_run, "filter": filter });
        for (i, token) in ["rule", "do", "see"].into_iter().enumerate() {
            let answer = post(&door, token, &body).await;
            if i < allowed {
                assert_eq!(answer.status, StatusCode::OK, "{token} {action}: {}", answer.text);
            } else {
                answer.is_problem(403, "forbidden", None);
            }
        }
    }
    let body = json!({ "action": "cancel", "dry_run": true, "filter": { "state": "discarded" } });
    door.post("/api/jobs/bulk", &body).await.is_problem(401, "unauthorized", None);
    let off = door.request(Method::POST, "/api/jobs/bulk/1/cancel").bearer_auth("see");
    Answer::of(off.send().await.unwrap()).await.is_problem(403, "forbidden", None);
}
