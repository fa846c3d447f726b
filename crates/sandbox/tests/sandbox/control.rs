//! The control door: what it takes, what it refuses, what it shows.

use bellwether_sandbox::{Options, Profile, Sandbox};
use serde_json::{Value, json};

use crate::desk::{self, OPEN};

#[tokio::test]
async fn an_invalid_control_request_is_answered_with_its_fault() {
    let desk = desk::open().await;
    for (what, body, says) in [
        ("faults", json!([{"id": "F999"}]), "there is no fault `F999`"),
        ("faults", json!([{"id": "F06", "mode": "teapot"}]), "F06 has no mode `teapot`"),
        ("faults", json!([{"id": "F06", "probability": 2}]), "between 0 and 1"),
        ("faults", json!([{"id": "F06", "often": 2}]), "unknown field `often`"),
        ("faults", json!([{"id": "F02", "delay": "soon"}]), "`delay`"),
        ("clock", json!({"advance": "-1h"}), "`advance`"),
        ("clock", json!({}), "name `advance` or `stopped`"),
        ("jump", json!({"symbol": "NOPE", "percent": 1}), "there is no symbol `NOPE`"),
        ("jump", json!({"symbol": "AAPL", "percent": -100}), "`percent`"),
        ("limits", json!({"gemini": {"rps": 1}}), "there is no limit `gemini.rps`"),
        ("limits", json!({"yahoo": {}}), "`yahoo` has no limits"),
        ("limits", json!({"scale": 0}), "`scale`"),
        ("reset", json!({"now": "1999-01-01T00:00:00Z"}), "2024"),
        ("reset", json!({"seed": "x"}), "invalid type"),
    ] {
        let answer = desk.post(&format!("/_sandbox/{what}"), body.clone()).await;
        assert_eq!(answer.status, 400, "{what} {body}");
        let problem = answer.json();
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(says), "{what} {body}: {detail}");
        if what == "faults" {
            let known = problem["known"].as_array().expect("known ids");
            assert!(known.contains(&json!("F20")) && known.contains(&json!("F93")));
        }
    }
}

#[tokio::test]
async fn every_promised_fault_is_known() {
    let desk = desk::open().await;
    for id in [
        "F02", "F06", "F07", "F20", "F21", "F22", "F23", "F25", "F27", "F28", "F29", "F30", "F40",
        "F41", "F42", "F43", "F44", "F47", "F48", "F60", "F61", "F62", "F63", "F64", "F65", "F66",
        "F67", "F68", "F69", "F70", "F71", "F72", "F77", "F80", "F81", "F82", "F85", "F86", "F90",
        "F93",
    ] {
        desk.faults(json!([{"id": id}])).await;
    }
}

#[tokio::test]
async fn a_stopped_clock_moves_only_when_it_is_told_to() {
    let desk = desk::open().await;
    desk.stop_clock().await;
    let now = async || desk.get("/_sandbox/clock").await.json()["now"].clone();
    let first = now().await;
    assert_eq!(now().await, first);
    desk.advance("1h").await;
    let later = now().await;
    assert_ne!(later, first);
    assert_eq!(now().await, later);
    desk.control("clock", json!({"stopped": false})).await;
    while now().await == later {}
}

#[tokio::test]
async fn a_reset_starts_over() {
    let desk = desk::open().await;
    let before = desk.quote("AAPL").await;
    desk.control("jump", json!({"symbol": "AAPL", "percent": 50})).await;
    desk.faults(json!([{"id": "F27"}])).await;
    desk.control("reset", json!({"now": OPEN})).await;
    assert!(desk.ledger().await.is_empty());
    assert_eq!(desk.quote("AAPL").await, before);
    desk.control("reset", json!({"seed": 8, "now": OPEN})).await;
    assert_ne!(desk.quote("AAPL").await, before);
    let health = desk.get("/_sandbox/health").await.json();
    assert_eq!((&health["status"], &health["seed"]), (&json!("healthy"), &json!(8)));
}

#[tokio::test]
async fn the_ledger_books_every_request_with_key_route_and_verdict() {
    let desk = desk::open().await;
    desk.quote("AAPL").await;
    desk.news("q=apple").await;
    let ledger = desk.ledger().await;
    assert_eq!(ledger.len(), 2, "control is not booked");
    let first = &ledger[0];
    assert_eq!(first["provider"], "alpha_vantage");
    assert!(first["key"].as_str().is_some_and(|key| key.starts_with("key-")), "{first}");
    assert_eq!(first["key"], ledger[1]["key"], "one key, one name");
    assert_eq!(first["method"], "GET");
    assert_eq!(
        first["route"],
        "/alphavantage/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey=hidden"
    );
    assert_eq!((&first["status"], &first["verdict"]), (&json!(200), &json!("ok")));
    assert!(first["time"].as_str().is_some_and(|time| time.starts_with("2026-11-23T15:30:02")));
    let only = desk.get("/_sandbox/ledger?provider=newsapi").await.json();
    assert_eq!(only["items"].as_array().map(Vec::len), Some(1));
    let metrics = desk.get("/_sandbox/metrics").await.text;
    assert!(
        metrics.contains(
            "sandbox_requests_total{provider=\"newsapi\",status=\"200\",verdict=\"ok\"} 1"
        ),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_truth_names_each_clusters_articles() {
    let desk = desk::open().await;
    let truth = desk.get("/_sandbox/truth?symbol=AAPL&from=2026-11-20&to=2026-11-22").await.json();
    let events = truth["events"].as_array().expect("events");
    assert!(events.len() >= 6);
    for event in events {
        let tellers = event["urls"].as_array().expect("urls").len();
        assert!((1..=12).contains(&tellers));
        let polarity = event["polarity"].as_f64().expect("a number");
        assert!((-1.0..=1.0).contains(&polarity));
    }
}

#[tokio::test]
async fn profiles_set_the_weather() {
    let outage: Profile = "outage-gemini".parse().expect("a profile");
    let desk = desk::start(Options { profile: outage, ..Options::default() }).await;
    assert_eq!(desk.gemini(json!({})).await.status, 503);
    assert_eq!(desk.news("q=apple").await.status, 200);
    let holiday: Profile = "thanksgiving-2026".parse().expect("a profile");
    let desk = desk::start(Options { profile: holiday, ..Options::default() }).await;
    let quote: Value = desk.quote("AAPL").await;
    assert_eq!(quote["Global Quote"]["07. latest trading day"], "2026-11-25");
    for name in ["calm", "flaky", "chaos", "quota-tight"] {
        let profile: Profile = name.parse().expect("a profile");
        assert_eq!(profile.to_string(), name);
        desk::start(Options { profile, ..Options::default() }).await;
    }
    assert!("sunny".parse::<Profile>().is_err());
}

#[tokio::test]
async fn stopping_frees_the_ports_and_lets_go_of_answers_held_back() {
    let desk = desk::open().await;
    desk.faults(json!([{"id": "F02"}])).await;
    let (addr, url) = (desk.running.http, desk.url("/rss/google/search?q=apple"));
    let held = tokio::spawn(desk.client.get(url).send());
    while desk.ledger().await.is_empty() {
        tokio::task::yield_now().await;
    }
    desk.running.stop().await;
    assert!(held.await.expect("no panic").is_ok());
    let again = Sandbox::start(Options { http_addr: addr, ..Options::default() }).await;
    assert!(again.is_ok(), "{again:?}");
}

/// Method, route, headers and the status that a request with them gets.
type Visit = (&'static str, &'static str, &'static [(&'static str, &'static str)], u16);

const VISITS: [Visit; 13] = [
    ("POST", "jump", &[("origin", "https://evil.example")], 403),
    ("POST", "jump", &[("host", "evil.example:4010")], 403),
    ("POST", "jump", &[("origin", "null")], 403),
    ("POST", "jump", &[("content-type", "text/plain")], 415),
    ("POST", "jump", &[("content-type", "application/x-www-form-urlencoded")], 415),
    ("POST", "jump", &[("x-forwarded-for", "203.0.113.9")], 403),
    ("GET", "ledger", &[("host", "rebind.evil.example")], 403),
    ("GET", "outbox", &[("host", "127.0.0.1.evil.example")], 403),
    ("DELETE", "faults", &[("origin", "https://evil.example")], 403),
    ("GET", "health", &[("host", "10.1.2.3:4010")], 200),
    ("GET", "ledger", &[("host", "localhost:4010")], 200),
    ("GET", "ledger", &[("origin", "http://localhost:3000")], 200),
    ("POST", "jump", &[("content-type", "application/json; charset=utf-8")], 200),
];

#[tokio::test]
async fn control_answers_programs_of_this_machine_and_no_page_of_another_site() {
    let desk = desk::open().await;
    let before = desk.quote("AAPL").await;
    for (method, route, headers, status) in VISITS {
        let url = desk.url(&format!("/_sandbox/{route}"));
        let body = if method == "POST" { r#"{"symbol":"AAPL","percent":-50}"# } else { "" };
        let method = method.parse().expect("a method");
        let mut request = desk.client.request(method, url).body(body);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if status == 200 && route == "jump" {
            assert_eq!(desk.quote("AAPL").await, before, "no refused visit has moved a price");
        }
        let answer = desk.send(request).await;
        assert_eq!(answer.status, status, "{route} {headers:?}: {}", answer.text);
        if status != 200 {
            assert!(answer.json()["detail"].is_string(), "{}", answer.text);
        }
    }
    assert_ne!(desk.quote("AAPL").await, before);
}

#[tokio::test]
async fn control_that_is_open_answers_other_hosts_and_still_no_foreign_page() {
    let desk = desk::start(Options { open_control: true, ..Options::default() }).await;
    for (headers, status) in [
        (&[("host", "sandbox-service:4010")][..], 200),
        (&[("host", "sandbox-service:4010"), ("origin", "https://evil.example")], 403),
    ] {
        let mut request = desk.client.get(desk.url("/_sandbox/ledger"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(desk.send(request).await.status, status, "{headers:?}");
    }
}
