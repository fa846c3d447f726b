//! The control door: what it takes, what it refuses, what it shows.

use bellwether_sandbox::{Options, Profile, Sandbox};
use serde_json::{Value, json};

use crate::desk::{self, OPEN};

#[tokio::test]
async fn bad_control_is_told_what_was_wrong() {
    let desk = desk::open().await;
    for (what, body, says) in [
        ("faults", json!([{"id": "F999"}]), "there is no fault `F999`"),
        ("faults", json!([{"id": "F06", "mode": "teapot"}]), "F06 has no mode `teapot`"),
        ("faults", json!([{"id": "F06", "probability": 2}]), "between 0 and 1"),
        ("faults", json!([{"id": "F06", "often": 2}]), "unknown field `often`"),
        ("faults", json!([{"id": "F02", "delay": "soon"}]), "`delay`"),
        ("clock", json!({"advance": "-1h"}), "`advance`"),
        ("clock", json!({}), "missing field `advance`"),
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
    assert_eq!(first["key"], "k");
    assert_eq!(first["method"], "GET");
    assert_eq!(first["route"], "/alphavantage/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey=k");
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
