//! The shape of each fault.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk;

fn prompt() -> Value {
    json!({"contents": [{"parts": [{"text": "Apple beats estimates"}]}]})
}

#[tokio::test]
async fn alpha_vantage_notices_come_with_status_200() {
    let desk = desk::open().await;
    for (id, key, start) in [
        ("F20", "Information", "Thank you for using Alpha Vantage! Please consider spreading out"),
        (
            "F21",
            "Information",
            "We have detected your API key as k and our standard API rate limit",
        ),
        ("F22", "Note", "Thank you for using Alpha Vantage! Our standard API call frequency is 5"),
        ("F23", "Information", "Thank you for using Alpha Vantage! This is a premium endpoint"),
        ("F24", "Information", "The outputsize=full parameter value is a premium feature"),
        ("F25", "Error Message", "the parameter apikey is invalid or missing"),
        ("F26", "Information", "The **demo** API key is for demo purposes only"),
        ("F28", "Error Message", "Invalid API call. Please retry or visit the documentation"),
    ] {
        desk.faults(json!([{"id": id}])).await;
        desk.advance("2s").await;
        let answer = desk.market("GLOBAL_QUOTE", "AAPL").await;
        assert_eq!(answer.status, 200, "{id}");
        let text = answer.json()[key].as_str().unwrap_or_default().to_owned();
        assert!(text.starts_with(start), "{id}: {text}");
        let last = desk.ledger().await.pop().expect("an entry");
        assert_eq!(last["verdict"], format!("fault:{id}"));
    }
}

#[tokio::test]
async fn alpha_vantage_can_have_no_data_or_bad_data() {
    let desk = desk::open().await;
    desk.faults(json!([{"id": "F27"}])).await;
    assert_eq!(desk.quote("AAPL").await, json!({}));
    desk.faults(json!([{"id": "F27", "mode": "empty_quote"}])).await;
    assert_eq!(desk.quote("AAPL").await, json!({"Global Quote": {}}));
    for (mode, expected) in [
        ("none", json!("None")),
        ("dash", json!("-")),
        ("empty", json!("")),
        ("missing", json!(null)),
    ] {
        desk.faults(json!([{"id": "F29", "mode": mode}])).await;
        assert_eq!(desk.quote("AAPL").await["Global Quote"]["05. price"], expected);
    }
    desk.faults(json!([{"id": "F30"}])).await;
    assert_eq!(desk.quote("AAPL").await["Global Quote"]["07. latest trading day"], "2026-11-16");
    desk.faults(json!([])).await;
    let price = |quote: Value| {
        quote["Global Quote"]["05. price"].as_str().and_then(|p| p.parse::<f64>().ok())
    };
    let whole = price(desk.quote("AAPL").await).expect("a price");
    desk.faults(json!([{"id": "F31"}])).await;
    let split = price(desk.quote("AAPL").await).expect("a price");
    assert!((split / whole - 0.1).abs() < 0.001);
}

#[tokio::test]
async fn servers_and_roads_fail() {
    let desk = desk::open().await;
    desk.faults(json!([{"id": "F06", "match": "/newsapi/"}])).await;
    assert_eq!(desk.news("q=apple").await.status, 503);
    assert_eq!(desk.gemini(prompt()).await.status, 200, "other providers are well");
    desk.faults(json!([{"id": "F06", "mode": 502}])).await;
    assert_eq!(desk.gemini(prompt()).await.status, 502);
    desk.faults(json!([{"id": "F07"}])).await;
    let page = desk.news("q=apple").await;
    assert!(page.status == 200 && page.text.starts_with("<!DOCTYPE html>"));
    desk.faults(json!([{"id": "F04"}])).await;
    let cut = desk.news("q=apple").await;
    assert!(cut.status == 200 && serde_json::from_str::<Value>(&cut.text).is_err());
    desk.faults(json!([{"id": "F05"}])).await;
    let hook = desk.client.post(desk.url("/webhook")).json(&json!({"a": 1})).send().await;
    assert!(hook.is_err(), "closed without an answer");
    let received = desk.outbox().await["webhook"].as_array().map(Vec::len);
    assert!(received >= Some(1), "but it took effect");
}

#[tokio::test]
async fn an_answer_can_be_held_back() {
    let desk = desk::open().await;
    desk.faults(json!([{"id": "F02", "delay": "300ms"}])).await;
    let begun = Instant::now();
    assert_eq!(desk.news("q=apple").await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    desk.faults(json!([{"id": "F02"}])).await;
    let request = desk.client.get(desk.url("/newsapi/v2/everything?q=apple"));
    let request = request.header("X-Api-Key", "k").timeout(Duration::from_millis(200));
    assert!(request.send().await.expect_err("no answer").is_timeout());
    let last = desk.ledger().await.pop().expect("an entry");
    assert_eq!((&last["status"], &last["verdict"]), (&json!(null), &json!("unanswered")));
}

#[tokio::test]
async fn newsapi_refuses_and_bends() {
    let desk = desk::open().await;
    for (fault, status, code) in [
        (json!([{"id": "F40"}]), 429, "rateLimited"),
        (json!([{"id": "F41"}]), 429, "apiKeyExhausted"),
        (json!([{"id": "F41", "mode": "401"}]), 401, "apiKeyExhausted"),
        (json!([{"id": "F42"}]), 426, "maximumResultsReached"),
        (json!([{"id": "F45"}]), 400, "parameterInvalid"),
    ] {
        desk.faults(fault.clone()).await;
        let answer = desk.news("q=apple").await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{fault}");
    }
    let bent = async |fault: Value| {
        desk.faults(json!([fault])).await;
        desk.news("q=apple%20OR%20microsoft&pageSize=10").await.json()
    };
    let removed = bent(json!({"id": "F43"})).await;
    assert_eq!(removed["articles"][0]["title"], "[Removed]");
    assert_eq!(removed["articles"][0]["url"], "https://removed.com");
    assert_ne!(removed["articles"][1]["title"], "[Removed]");
    let nulls = bent(json!({"id": "F44"})).await;
    assert!(nulls["articles"][0]["description"].is_null());
    assert!(nulls["articles"][0]["title"].is_string());
    let many = bent(json!({"id": "F46"})).await;
    assert!(many["totalResults"].as_u64() > Some(5_000));
    let future = bent(json!({"id": "F47"})).await;
    assert!(future["articles"][0]["publishedAt"].as_str() > Some("2026-11-25"));
    let missing = bent(json!({"id": "F47", "mode": "missing"})).await;
    assert!(missing["articles"][0]["publishedAt"].is_null());
    let twice = bent(json!({"id": "F48"})).await;
    let articles = twice["articles"].as_array().expect("articles");
    assert_eq!(articles.len(), 20);
    assert_eq!(articles[0]["title"], articles[10]["title"]);
    assert_ne!(articles[0]["url"], articles[10]["url"]);
    let injected = bent(json!({"id": "F90", "mode": "plain"})).await;
    assert!(injected["articles"][0]["description"].to_string().contains("Ignore all previous"));
    let storm = bent(json!({"id": "F93"})).await;
    assert_eq!(storm["totalResults"], 200);
    assert_eq!(storm["articles"][0]["title"], storm["articles"][9]["title"]);
}

#[tokio::test]
async fn gemini_refuses_in_its_own_words() {
    let desk = desk::open().await;
    let set = async |id: &str| {
        desk.faults(json!([{"id": id}])).await;
        desk.gemini(prompt()).await
    };
    let ids = |body: Value| -> Vec<String> {
        let details = body["error"]["details"].as_array().cloned().unwrap_or_default();
        let violations = details.iter().filter_map(|d| d["violations"].as_array().cloned());
        violations.flatten().map(|v| v["quotaId"].as_str().expect("an id").to_owned()).collect()
    };
    let minute = set("F60").await;
    assert_eq!(minute.status, 429);
    assert_eq!(minute.json()["error"]["details"][2]["retryDelay"], "47s");
    assert!(minute.text.contains("Please retry in 47.2s."));
    assert!(ids(minute.json())[0].contains("PerMinute"));
    assert!(ids(set("F61").await.json())[0].contains("PerDay"));
    assert_eq!(ids(set("F62").await.json()).len(), 2);
    let bare = set("F63").await;
    assert!(bare.status == 429 && bare.json()["error"]["details"].is_null());
    assert!(set("F64").await.text.contains("limit: 0, model: gemini-3.5-flash-lite"));
    assert_eq!(set("F65").await.status, 503);
    let blocked = set("F66").await.json();
    assert_eq!(blocked["promptFeedback"]["blockReason"], "PROHIBITED_CONTENT");
    assert!(blocked.get("candidates").is_none());
    let recited = set("F67").await.json();
    assert_eq!(recited["candidates"][0]["finishReason"], "RECITATION");
    assert!(recited["candidates"][0].get("content").is_none());
    let gone = set("F71").await;
    assert_eq!((gone.status, &gone.json()["error"]["status"]), (404, &json!("NOT_FOUND")));
    let key = set("F72").await;
    assert_eq!(key.status, 400);
    assert_eq!(key.json()["error"]["details"][0]["reason"], "API_KEY_INVALID");
    assert_eq!(set("F73").await.status, 400);
    let retiring = set("F77").await.json();
    let time = retiring["modelStatus"]["retirementTime"].as_str().expect("a time").to_owned();
    assert!(time.starts_with("2026-12-07"), "{time}");
}

#[tokio::test]
async fn the_sandbox_imitates_unusable_answers_of_gemini() {
    let desk = desk::open().await;
    let text = async |fault: Value| {
        desk.faults(json!([fault])).await;
        let body = desk.gemini(prompt()).await.json();
        let candidate = body["candidates"][0].clone();
        let text = candidate["content"]["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
        (candidate["finishReason"].as_str().unwrap_or_default().to_owned(), text)
    };
    let parsed = |text: &str| serde_json::from_str::<Value>(text);
    let (finish, cut) = text(json!({"id": "F68"})).await;
    assert_eq!(finish, "MAX_TOKENS");
    assert!(parsed(&cut).is_err());
    assert!(text(json!({"id": "F69"})).await.1.contains("```json"));
    assert!(parsed(&text(json!({"id": "F69", "mode": "prose"})).await.1).is_err());
    let unfit = async |mode: &str| text(json!({"id": "F70", "mode": mode})).await.1;
    assert_eq!(parsed(&unfit("out_of_range").await).expect("JSON")["sentiment"], 7.5);
    assert!(unfit("nan").await.contains("NaN"));
    assert!(parsed(&unfit("string_number").await).expect("JSON")["sentiment"].is_string());
    assert!(parsed(&unfit("missing_key").await).expect("JSON").get("sentiment").is_none());
    assert!(parsed(&unfit("extra_key").await).expect("JSON").get("reasoning").is_some());
    assert_eq!(parsed(&unfit("wrong_enum").await).expect("JSON")["label"], "very bullish");
}

#[tokio::test]
async fn a_fault_occurs_as_often_as_ordered() {
    let desk = desk::open().await;
    desk.faults(json!([{"id": "F06", "match": "/newsapi/", "after": 1, "count": 2}])).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(desk.news("q=apple").await.status);
    }
    assert_eq!(statuses, [200, 503, 503, 200, 200]);

    desk.faults(json!([{"id": "F06", "match": "/newsapi/", "probability": 0.5}])).await;
    let mut struck = 0;
    for _ in 0..40 {
        struck += usize::from(desk.news("q=apple").await.status == 503);
    }
    assert!((8..=32).contains(&struck), "{struck}");

    let cleared = desk.send(desk.client.delete(desk.url("/_sandbox/faults"))).await.json();
    assert_eq!(cleared["faults"], json!([]));
    assert!(cleared["known"].as_array().map(Vec::len) > Some(40));
}
