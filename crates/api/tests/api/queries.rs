//! A request that would be half understood is refused.

use std::collections::BTreeMap;

use bellwether_store::instrument;
use reqwest::Method;
use serde_json::json;

use crate::door::{Answer, Door};

#[tokio::test]
async fn an_unknown_or_empty_parameter_is_named() {
    let door = Door::open().await;
    for (path, name) in [
        ("/api/jobs?sate=discarded", "sate"),
        ("/api/latest-data?symbol=AAPL", "symbol"),
        ("/api/watchlist?x=", "x"),
        ("/api/jobs?limit=", "limit"),
        ("/api/jobs?q=", "q"),
        ("/api/sentiment-summary?hours=", "hours"),
        ("/api/news/AAPL?hours=3", "hours"),
        ("/api/jobs?kind=nope", "kind"),
        ("/api/jobs?queue=nope", "queue"),
        ("/api/stats?queue=nope", "queue"),
        ("/health?x=1", "x"),
    ] {
        door.get(path).await.is_problem(400, "bad-query", Some(name));
    }
    let bulk = json!({ "action": "retry", "dry_run": true, "filter": { "kind": "nope" } });
    let answer = door.post("/api/jobs/bulk", &bulk).await;
    answer.is_problem(422, "invalid-field", Some("filter.kind"));
    let scrape = door.post("/scrape?symbols=AAPL", &json!({})).await;
    scrape.is_problem(400, "bad-query", Some("symbols"));
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list() {
    let door = Door::open().await;
    for _ in 0..2 {
        door.add(&json!({ "kind": "prune" })).await;
    }
    let jobs = door.get("/api/jobs?limit=1").await.body["next_cursor"].clone();
    let audit = door.get("/api/audit?limit=1").await.body["next_cursor"].clone();
    for (path, own, other) in [("/api/jobs", &jobs, &audit), ("/api/audit", &audit, &jobs)] {
        let own = door.get(&format!("{path}?cursor={}", own.as_str().unwrap())).await;
        assert_eq!(own.body["items"].as_array().unwrap().len(), 1, "{}", own.text);
        let other = door.get(&format!("{path}?cursor={}", other.as_str().unwrap())).await;
        other.is_problem(400, "bad-query", Some("cursor"));
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_in_plain_words() {
    let door = Door::open().await;
    for path in ["/api/jobs/bulk/%ff", "/api/jobs/%ff", "/api/limits/%ff", "/api/jobs/bulk/x"] {
        door.get(path).await.is_problem(404, "not-found", None);
    }
    let hint = door.post("/api/jobs", &json!({ "kind": "prune" })).await;
    hint.is_problem(405, "method-not-allowed", None);
    assert!(hint.body["detail"].as_str().unwrap().contains("POST /jobs"), "{}", hint.text);
    let long = door.get(&format!("/api/jobs?q={}", "x".repeat(9000))).await;
    long.is_problem(414, "address-too-long", None);
    let nul = door.post("/jobs", &json!({ "kind": "prune", "tags": ["a\u{0}"] })).await;
    nul.is_problem(422, "invalid-field", Some("tags[0]"));
    for (query, name) in
        [("limit=x", "limit"), ("limit=1.5", "limit"), ("limit=99999999999999999999", "limit")]
    {
        let answer = door.get(&format!("/api/jobs?{query}")).await;
        answer.is_problem(400, "bad-query", Some(name));
        assert_eq!(answer.body["detail"], "expected a whole number within its range");
    }
    for body in [
        json!({ "kind": 1 }),
        json!({ "kind": "prune", "priority": "x" }),
        json!({ "kind": "prune", "tags": {} }),
        json!({ "kind": "prune", "tags": [1] }),
        json!({ "kind": "prune", "args": { "days": -1 } }),
    ] {
        let answer = door.post("/jobs", &body).await;
        assert_eq!(answer.status.as_u16(), 422, "{}", answer.text);
        let detail = answer.body["detail"].as_str().unwrap();
        for word in ["i64", "u8", "struct", "map", "sequence", "invalid type", "digit"] {
            assert!(!detail.contains(word), "{word} in {detail}");
        }
    }
    let bulk = door.post("/api/jobs/bulk", &json!({ "action": "retry", "filter": 7 })).await;
    assert_eq!(bulk.body["detail"], "expected an object");
}

/// The role of each operation; `None`: no token.
const ROLES: [(&str, &str, Option<&str>); 49] = [
    ("GET", "/health", None),
    ("GET", "/ready", None),
    ("GET", "/metrics", None),
    ("GET", "/api/alerts/recent", Some("viewer")),
    ("GET", "/api/alerts/{symbol}", Some("viewer")),
    ("GET", "/api/audit", Some("viewer")),
    ("GET", "/api/bars/{symbol}", Some("viewer")),
    ("GET", "/api/events", Some("viewer")),
    ("GET", "/api/jobs", Some("viewer")),
    ("POST", "/api/jobs/bulk", Some("viewer")),
    ("GET", "/api/jobs/bulk/{id}", Some("viewer")),
    ("GET", "/api/jobs/{id}", Some("viewer")),
    ("GET", "/api/jobs/{id}/why", Some("viewer")),
    ("GET", "/api/kinds", Some("viewer")),
    ("GET", "/api/latest-data", Some("viewer")),
    ("GET", "/api/limits", Some("viewer")),
    ("GET", "/api/limits/{key}", Some("viewer")),
    ("GET", "/api/me", Some("viewer")),
    ("GET", "/api/news/{symbol}", Some("viewer")),
    ("GET", "/api/notices", Some("viewer")),
    ("GET", "/api/queues", Some("viewer")),
    ("GET", "/api/schedules", Some("viewer")),
    ("GET", "/api/sentiment-summary", Some("viewer")),
    ("GET", "/api/signals/{symbol}", Some("viewer")),
    ("GET", "/api/stats", Some("viewer")),
    ("GET", "/api/watchlist", Some("viewer")),
    ("GET", "/api/workers", Some("viewer")),
    ("POST", "/analyze", Some("operator")),
    ("POST", "/check-alerts", Some("operator")),
    ("POST", "/jobs", Some("operator")),
    ("POST", "/scrape", Some("operator")),
    ("POST", "/api/jobs/bulk/{id}/cancel", Some("operator")),
    ("POST", "/api/jobs/{id}/cancel", Some("operator")),
    ("POST", "/api/jobs/{id}/retry", Some("operator")),
    ("POST", "/api/limits/{key}/count", Some("operator")),
    ("POST", "/api/limits/{key}/park", Some("operator")),
    ("POST", "/api/limits/{key}/reset", Some("operator")),
    ("POST", "/api/limits/{key}/resume", Some("operator")),
    ("POST", "/api/limits/{key}/trip", Some("operator")),
    ("PATCH", "/api/queues/{name}", Some("operator")),
    ("POST", "/api/queues/{name}/pause", Some("operator")),
    ("POST", "/api/queues/{name}/resume", Some("operator")),
    ("POST", "/api/schedules/{name}/pause", Some("operator")),
    ("POST", "/api/schedules/{name}/resume", Some("operator")),
    ("POST", "/api/schedules/{name}/run", Some("operator")),
    ("POST", "/api/watchlist", Some("operator")),
    ("DELETE", "/api/watchlist/{symbol}", Some("operator")),
    ("PATCH", "/api/limits/{key}", Some("admin")),
    ("DELETE", "/api/jobs/{id}", Some("admin")),
];

#[tokio::test]
async fn every_operation_takes_its_role_and_no_less() {
    let door = Door::guarded("viewer:see,operator:do,admin:rule").await;
    instrument::add_all(&door.pool, &["AAPL".parse().unwrap()]).await.unwrap();
    let mut table: BTreeMap<(String, String), Option<&str>> = ROLES
        .into_iter()
        .map(|(method, path, role)| ((method.to_owned(), path.to_owned()), role))
        .collect();
    // it is reserved, and refused to others before anything else is looked at
    let mut operations = vec![("DELETE".to_owned(), "/api/jobs/{id}".to_owned())];
    let api = serde_json::to_value(bellwether_api::openapi()).unwrap();
    for (path, item) in api["paths"].as_object().unwrap() {
        operations
            .extend(item.as_object().unwrap().keys().map(|m| (m.to_uppercase(), path.clone())));
    }
    let ranks = [None, Some("viewer"), Some("operator"), Some("admin")];
    let rank = |role: Option<&str>| ranks.iter().position(|one| *one == role).unwrap();
    for (method, path) in operations {
        let needed = table.remove(&(method.clone(), path.clone()));
        let needed = rank(needed.unwrap_or_else(|| panic!("{method} {path} is not in the table")));
        let at = path.replace("{symbol}", "AAPL").replace("{id}", "1");
        let at = at.replace("{key}", "none").replace("{name}", "none");
        for (given, token) in [None, Some("see"), Some("do"), Some("rule")].into_iter().enumerate()
        {
            let mut request = door.request(Method::from_bytes(method.as_bytes()).unwrap(), &at);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let status = request.send().await.unwrap().status().as_u16();
            let refused = if token.is_none() { status == 401 } else { status == 403 };
            assert_eq!(refused, given < needed, "{method} {at} with {token:?}: {status}");
        }
    }
    assert!(table.is_empty(), "no such operations: {table:?}");
}

#[tokio::test]
async fn a_caller_is_told_its_name_and_role() {
    let door = Door::guarded("viewer:see,operator:do").await;
    let me = door.request(Method::GET, "/api/me").bearer_auth("do").send().await.unwrap();
    assert_eq!(Answer::of(me).await.body, json!({ "name": "operator/2", "role": "operator" }));
    let local = Door::open().await.get("/api/me").await.body;
    assert_eq!(local, json!({ "name": "local", "role": "admin" }));
}
