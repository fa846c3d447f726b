//! Usage of each quota, and changes to it by an operator.

use std::time::Duration;

use bellwether_queue::limits::{
    self, Breaker, Counts, Dimension, LaneKey, Limit, Reserve, Unit, Usage, Window,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    door::{Answer, Door},
    events::Stream,
};

const KEY: &str = "/api/limits/gemini%2Fflash";

async fn furnish(door: &Door) {
    let account = Limit::new("gemini", Counts::Finish)
        .window(Window::requests(1_000, Duration::from_hours(24)));
    limits::define(&door.pool, &account).await.unwrap();
    let mut model = Limit::new("gemini/flash", Counts::Finish)
        .window(Window::requests(15, Duration::from_mins(1)))
        .window(Window::tokens(250_000, Duration::from_mins(1)))
        .window(Window::calendar(Dimension::Money, 5_000_000, Unit::Day, "America/Los_Angeles"))
        .in_flight(2)
        .breaker(Breaker {
            failures: 3,
            cooldown: Duration::from_secs(20),
            longest: Duration::from_mins(5),
        });
    model.parent = Some("gemini".to_owned());
    model.reserve = Some(Reserve { share: 0.2, priority: 1 });
    limits::define(&door.pool, &model).await.unwrap();
    let lane =
        [LaneKey::new("gemini/flash").fallback_after(Duration::from_mins(10)).reserve(3_000, 200)];
    limits::set_lane(&door.pool, "analyzer", "model", &lane).await.unwrap();
}

async fn patch(door: &Door, body: &Value) -> Answer {
    let request = door.request(Method::PATCH, KEY).json(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_limit_tells_its_windows_lanes_reserve_and_breaker() {
    let door = Door::open().await;
    furnish(&door).await;
    let mut tx = door.pool.begin().await.unwrap();
    let usage = Usage { tokens: 1_000, micros: 70 };
    limits::record_external_usage(&mut tx, "gemini/flash", 4, usage).await.unwrap();
    tx.commit().await.unwrap();
    let list = door.get("/api/limits").await.body;
    let keys: Vec<_> = list["items"].as_array().unwrap().iter().map(|l| &l["key"]).collect();
    assert_eq!(keys, [&json!("gemini"), &json!("gemini/flash")]);
    let one = door.get(KEY).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.text);
    let limit = &one.body;
    for (field, value) in list["items"][1].as_object().unwrap() {
        if !["next_permit_at", "windows"].contains(&field.as_str()) {
            assert_eq!(limit.get(field), Some(value), "{field}");
        }
    }
    assert_eq!(limit["parent"], "gemini");
    assert_eq!(limit["counts_from"], "finish");
    assert_eq!(limit["in_flight_cap"], 2);
    assert_eq!(limit["reserve"], json!({ "share": 0.2, "priority": 1 }));
    assert_eq!(limit["breaker"]["state"], "closed");
    assert_eq!(limit["breaker"]["threshold"], 3);
    assert_eq!(limit["breaker"]["cooldown_seconds"], 20.0);
    let lane =
        json!({ "queue": "analyzer", "lane": "model", "position": 0, "wait_seconds": 600.0 });
    assert_eq!(limit["lanes"], json!([lane]));
    let windows = limit["windows"].as_array().unwrap();
    let left: Vec<_> =
        windows.iter().map(|w| (&w["dimension"], &w["used"], &w["remaining"])).collect();
    assert_eq!(left[0], (&json!("requests"), &json!(4), &json!(11)));
    assert_eq!(left[1], (&json!("tokens"), &json!(1_000), &json!(249_000)));
    assert_eq!(left[2], (&json!("money"), &json!(70), &json!(4_999_930)));
    assert_eq!(windows[0]["period_seconds"], 60.0);
    assert_eq!(windows[0]["calendar"], json!(null));
    assert_eq!(windows[2]["period_seconds"], json!(null));
    assert_eq!(windows[2]["calendar"], json!({ "unit": "day", "zone": "America/Los_Angeles" }));
    assert!(windows[2]["resets_at"].is_string());
    assert_eq!(windows[1]["base_amount"], windows[1]["amount"]);
    let history = limit["history"].as_array().unwrap();
    assert_eq!(history.len(), 3, "one for each window");
    assert!(history[0]["points"].as_array().unwrap().len() > 10);
    let last = history[0]["points"].as_array().unwrap().last().unwrap();
    assert_eq!(last["used"], 4, "{last}");
    assert!(limit["days"].is_array());
    assert_eq!(limit["retires_at"], json!(null));
    door.get("/api/limits/none").await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn a_model_that_its_provider_gives_up_tells_when() {
    let door = Door::open().await;
    furnish(&door).await;
    let at = "2027-03-01T00:00:00Z";
    bellwether_store::operator::add(&door.pool, "model/gemini/flash", "model_retiring", at)
        .await
        .unwrap();
    assert_eq!(door.get(KEY).await.body["retires_at"], at);
    assert_eq!(door.get("/api/limits/gemini").await.body["retires_at"], json!(null));
}

#[tokio::test]
async fn a_window_allows_another_amount_for_a_while() {
    let door = Door::open().await;
    furnish(&door).await;
    let change = json!({
        "windows": [{ "no": 0, "amount": 3 }, { "no": 2, "amount": 0 }], "for_seconds": 3600,
        "reason": "the month is dear",
    });
    let changed = patch(&door, &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let windows = &changed.body["windows"];
    assert_eq!((&windows[0]["amount"], &windows[0]["base_amount"]), (&json!(3), &json!(15)));
    assert!(windows[0]["override_until"].is_string());
    assert_eq!((&windows[2]["amount"], &windows[2]["remaining"]), (&json!(0), &json!(0)));
    assert_eq!(windows[1]["override_until"], json!(null));
    let ended = patch(&door, &json!({ "windows": [{ "no": 0, "amount": null }] })).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    assert_eq!(ended.body["windows"][0]["amount"], 15);
    assert_eq!(ended.body["windows"][0]["override_until"], json!(null));
    assert_eq!(ended.body["windows"][2]["amount"], 0, "the others stay as they are");
    let told = door.get("/api/audit").await.body;
    assert_eq!(told["items"][1]["detail"]["after"]["reason"], "the month is dear");
}

#[tokio::test]
async fn a_breaker_is_tripped_and_reset_by_hand() {
    let door = Door::open().await;
    furnish(&door).await;
    let tripped = door.post(&format!("{KEY}/trip"), &json!({ "seconds": 60 })).await;
    assert_eq!(tripped.status, StatusCode::OK, "{}", tripped.text);
    assert_eq!(tripped.body["breaker"]["state"], "open");
    assert!(tripped.body["breaker"]["open_until"].is_string());
    let reset = door.command(&format!("{KEY}/reset")).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
    assert_eq!(reset.body["breaker"]["state"], "closed", "{}", reset.text);
    // a parent makes no calls that could tell: it is parked
    let tripped = door.post("/api/limits/gemini/trip", &json!({ "seconds": 60 })).await;
    assert_eq!(tripped.status, StatusCode::OK, "{}", tripped.text);
    assert!(tripped.body["parked_until"].is_string(), "{}", tripped.text);
    assert_eq!(tripped.body["parked_why"], "tripped by hand");
}

#[tokio::test]
async fn calls_made_elsewhere_are_counted() {
    let door = Door::open().await;
    furnish(&door).await;
    let calls = json!({ "requests": 5, "tokens": 12_000, "micros": 900, "reason": "a trial" });
    let counted = door.post(&format!("{KEY}/count"), &calls).await;
    assert_eq!(counted.status, StatusCode::OK, "{}", counted.text);
    let used: Vec<_> =
        counted.body["windows"].as_array().unwrap().iter().map(|w| &w["used"]).collect();
    assert_eq!(used, [&json!(5), &json!(12_000), &json!(900)]);
    let more = door.post(&format!("{KEY}/count"), &json!({ "requests": 1 })).await;
    assert_eq!(more.body["windows"][0]["used"], 6);
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let door = Door::open().await;
    furnish(&door).await;
    for (body, field) in [
        (json!({}), "windows"),
        (json!({ "windows": [] }), "windows"),
        (json!({ "windows": [{ "no": 0 }] }), "windows[0].amount"),
        (json!({ "windows": [{ "no": 0, "amount": 5 }] }), "for_seconds"),
        (json!({ "windows": [{ "no": 0, "amount": 5 }], "for_seconds": 0 }), "for_seconds"),
        (json!({ "windows": [{ "no": 0, "amount": 5 }], "for_seconds": 2_592_001 }), "for_seconds"),
        (json!({ "windows": [{ "no": 3, "amount": 5 }], "for_seconds": 60 }), "windows[0].no"),
        (json!({ "windows": [{ "no": 0, "amount": -1 }], "for_seconds": 60 }), "windows[0].amount"),
        (
            json!({ "windows": [{ "no": 1, "amount": 1 }, { "no": 1, "amount": 2 }], "for_seconds": 60 }),
            "windows[1].no",
        ),
        (json!({ "windows": [{ "no": 0, "amount": null }], "reason": "x".repeat(201) }), "reason"),
    ] {
        patch(&door, &body).await.is_problem(422, "invalid-field", Some(field));
    }
    for (verb, body, field) in [
        ("trip", json!({}), "seconds"),
        ("trip", json!({ "seconds": 0 }), "seconds"),
        ("trip", json!({ "seconds": 2_592_001 }), "seconds"),
        ("trip", json!({ "seconds": 60, "reason": "x".repeat(201) }), "reason"),
        ("park", json!({ "seconds": 60, "reason": "x".repeat(201) }), "reason"),
        ("count", json!({}), "requests"),
        ("count", json!({ "requests": 0 }), "requests"),
        ("count", json!({ "requests": -1 }), "requests"),
        ("count", json!({ "tokens": 1_000_000_001 }), "tokens"),
        ("count", json!({ "micros": "dear" }), "micros"),
    ] {
        let answer = door.post(&format!("{KEY}/{verb}"), &body).await;
        answer.is_problem(422, "invalid-field", Some(field));
    }
    let none = door.request(Method::PATCH, "/api/limits/none");
    let none = none.json(&json!({ "windows": [{ "no": 0, "amount": null }] }));
    Answer::of(none.send().await.unwrap()).await.is_problem(404, "not-found", None);
    for verb in ["trip", "park"] {
        let path = format!("/api/limits/none/{verb}");
        door.post(&path, &json!({ "seconds": 1 })).await.is_problem(404, "not-found", None);
    }
    door.command("/api/limits/none/reset").await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn an_operator_stops_and_starts_a_key_and_an_admin_changes_it() {
    let door = Door::guarded("viewer:see,operator:do,admin:rule").await;
    furnish(&door).await;
    let change = json!({ "windows": [{ "no": 0, "amount": null }] });
    let seconds = json!({ "seconds": 1 });
    for (method, path, body, roles) in [
        (Method::GET, KEY.to_owned(), None, 3),
        (Method::POST, format!("{KEY}/trip"), Some(&seconds), 2),
        (Method::POST, format!("{KEY}/reset"), None, 2),
        (Method::POST, format!("{KEY}/count"), Some(&json!({ "requests": 1 })), 2),
        (Method::PATCH, KEY.to_owned(), Some(&change), 1),
    ] {
        for (i, token) in ["rule", "do", "see"].into_iter().enumerate() {
            let mut request = door.request(method.clone(), &path).bearer_auth(token);
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = Answer::of(request.send().await.unwrap()).await;
            let expected = if i < roles { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, expected, "{token} {method} {path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn every_change_of_a_key_is_an_event() {
    let door = Door::open().await;
    furnish(&door).await;
    let mut stream = Stream::open(&door, None).await;
    stream.next().await.unwrap();
    let seconds = json!({ "seconds": 60 });
    let change = json!({ "windows": [{ "no": 0, "amount": 1 }], "for_seconds": 60 });
    for (verb, body) in [
        ("/park", &seconds),
        ("/resume", &json!({})),
        ("/trip", &seconds),
        ("/reset", &json!({})),
        ("/count", &json!({ "requests": 1 })),
        ("", &change),
    ] {
        let method = if verb.is_empty() { Method::PATCH } else { Method::POST };
        let answer = door.request(method, &format!("{KEY}{verb}")).json(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{verb}");
        let message = stream.next().await.unwrap();
        assert_eq!(message.event, "limit", "{verb}");
        let data: Value = serde_json::from_str(&message.data).unwrap();
        assert_eq!(data["id"], "gemini/flash");
    }
}
