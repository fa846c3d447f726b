//! Each limit at its edge.

use bellwether_sandbox::{Limits, Options, Profile};
use serde_json::{Value, json};

use crate::desk::{self, Desk};

const HOUR: i64 = 3_600_000;

fn prompt(characters: usize) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "x".repeat(characters)}]}]})
}

#[tokio::test]
async fn alpha_vantage_takes_one_request_a_second_from_one_source() {
    let desk = desk::open().await;
    desk.stop_clock().await;
    assert!(desk.market("GLOBAL_QUOTE", "AAPL").await.text.contains("05. price"));
    let second =
        desk.get("/alphavantage/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey=other").await;
    assert_eq!(second.status, 200);
    let notice = second.json()["Information"].as_str().expect("a notice").to_owned();
    assert!(notice.contains("(1 request per second)"), "{notice}");
    assert!(notice.contains("25 requests per day"), "{notice}");
    desk.advance_to(1_000).await;
    assert!(desk.market("GLOBAL_QUOTE", "AAPL").await.text.contains("05. price"));
}

#[tokio::test]
async fn alpha_vantage_takes_25_requests_in_any_24_hours_of_a_key() {
    let desk = desk::open().await;
    for n in 1..=25 {
        let answer = desk.market("GLOBAL_QUOTE", "AAPL").await;
        assert!(answer.text.contains("05. price"), "{n}: {}", answer.text);
        desk.advance("1s").await;
    }
    let over = desk.market("GLOBAL_QUOTE", "AAPL").await.json();
    let notice = over["Information"].as_str().expect("a notice");
    assert!(notice.starts_with("We have detected your API key as k and our standard"), "{notice}");
    let other = "/alphavantage/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey=other";
    assert!(desk.get(other).await.text.contains("05. price"), "another key has its own day");

    desk.advance_to(24 * HOUR - 1_000).await;
    assert!(desk.market("GLOBAL_QUOTE", "AAPL").await.text.contains("detected your API key"));
    desk.advance_to(24 * HOUR).await;
    assert!(desk.market("GLOBAL_QUOTE", "AAPL").await.text.contains("05. price"));

    let verdicts: Vec<_> = desk.ledger().await.iter().map(|e| e["verdict"].clone()).collect();
    assert_eq!(verdicts.iter().filter(|v| **v == "limit:per_day").count(), 2);
    assert_eq!(verdicts.iter().filter(|v| **v == "ok").count(), 27);
}

#[tokio::test]
async fn newsapi_takes_50_requests_in_any_12_hours() {
    let desk = desk::open().await;
    for _ in 0..50 {
        assert_eq!(desk.news("q=apple&pageSize=1").await.status, 200);
    }
    let over = desk.news("q=apple").await;
    assert_eq!((over.status, &over.json()["code"]), (429, &json!("rateLimited")));
    assert!(over.text.contains("50 requests available every 12 hours"));
    desk.advance_to(12 * HOUR - 1_000).await;
    assert_eq!(desk.news("q=apple").await.status, 429);
    desk.advance_to(12 * HOUR).await;
    assert_eq!(desk.news("q=apple").await.status, 200);
}

#[tokio::test]
async fn gemini_takes_15_requests_a_minute_of_each_model() {
    let desk = desk::open().await;
    for _ in 0..15 {
        assert_eq!(desk.gemini(prompt(40)).await.status, 200);
    }
    let over = desk.gemini(prompt(40)).await;
    assert_eq!(over.status, 429);
    let error = over.json()["error"].clone();
    assert_eq!(error["status"], "RESOURCE_EXHAUSTED");
    let violation = &error["details"][1]["violations"][0];
    assert_eq!(violation["quotaId"], "GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
    assert_eq!(violation["quotaValue"], "15");
    let delay = error["details"][2]["retryDelay"].as_str().expect("a delay").trim_end_matches('s');
    assert!((1..=60).contains(&delay.parse::<i32>().expect("seconds")));

    let other = desk.url("/gemini/v1beta/models/gemini-3.6-flash:generateContent");
    let request = desk.client.post(other).header("x-goog-api-key", "k").json(&prompt(40));
    assert_eq!(desk.send(request).await.status, 200, "another model has its own minute");

    desk.advance_to(59_000).await;
    assert_eq!(desk.gemini(prompt(40)).await.status, 429);
    desk.advance_to(60_000).await;
    assert_eq!(desk.gemini(prompt(40)).await.status, 200);
}

#[tokio::test]
async fn gemini_takes_250_000_prompt_tokens_a_minute() {
    let desk = desk::open().await;
    let answer = desk.gemini(prompt(999_960)).await;
    assert_eq!(answer.json()["usageMetadata"]["promptTokenCount"], 249_990);
    let over = desk.gemini(prompt(44)).await;
    assert_eq!(over.status, 429);
    let violation = &over.json()["error"]["details"][1]["violations"][0];
    assert_eq!(violation["quotaId"], "GenerateContentInputTokensPerModelPerMinute-FreeTier");
    assert_eq!(desk.gemini(prompt(40)).await.status, 200, "ten tokens had room");
}

#[tokio::test]
async fn gemini_takes_500_requests_a_day_of_each_model() {
    let desk = desk::open().await;
    desk.control("limits", json!({"gemini": {"rpm": 1_000}})).await;
    for _ in 0..500 {
        assert_eq!(desk.gemini(prompt(4)).await.status, 200);
    }
    let over = desk.gemini(prompt(4)).await.json();
    let violation = &over["error"]["details"][1]["violations"][0];
    assert_eq!(violation["quotaId"], "GenerateRequestsPerDayPerProjectPerModel-FreeTier");
    assert_eq!(violation["quotaValue"], "500");
}

#[tokio::test]
async fn twilio_takes_one_message_a_second() {
    let desk = desk::open().await;
    desk.stop_clock().await;
    let form = [("To", "+15551234567"), ("From", "+15005550006"), ("Body", "hello")];
    assert_eq!(desk.sms(&form).await.status, 201);
    let over = desk.sms(&form).await;
    assert_eq!((over.status, &over.json()["code"]), (429, &json!(20429)));
    desk.advance_to(1_000).await;
    assert_eq!(desk.sms(&form).await.status, 201);
    assert_eq!(desk.outbox().await["sms"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn limits_can_be_overridden_and_scaled() {
    let desk = desk::open().await;
    let limits = desk.control("limits", json!({"scale": 0.2, "gemini": {"rpm": 50}})).await;
    assert_eq!(limits["gemini"]["rpm"], 10);
    assert_eq!(limits["alpha_vantage"]["per_day"], 5);
    assert_eq!(limits["twilio"]["per_second"], 1, "none falls below one");
    desk.control("reset", json!({})).await;
    let limits = desk.get("/_sandbox/limits").await.json();
    assert_eq!(limits["gemini"]["rpm"], 15);
}

#[tokio::test]
async fn limits_and_profile_given_at_the_start_survive_a_reset() {
    let limits = Limits::default().with("newsapi", "per_12h", 10).expect("a known limit");
    let profile: Profile = "quota-tight".parse().expect("a profile");
    let desk: Desk = desk::start(Options { limits, profile, ..Options::default() }).await;
    for _ in 0..2 {
        assert_eq!(desk.news("q=apple").await.status, 200);
        assert_eq!(desk.news("q=apple").await.status, 200);
        assert_eq!(desk.news("q=apple").await.status, 429);
        desk.control("reset", json!({})).await;
    }
    assert!(Limits::default().with("newsapi", "per_century", 1).is_err());
}

#[tokio::test]
async fn a_bad_key_is_refused_in_each_providers_own_way_and_not_counted() {
    let desk = desk::open().await;
    for key in ["invalid", ""] {
        let path = format!("/alphavantage/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey={key}");
        let market = desk.get(&path).await;
        assert_eq!(market.status, 200);
        assert!(market.text.contains("apikey is invalid or missing"));
    }
    let news = desk.url("/newsapi/v2/everything?q=apple");
    let answer = desk.send(desk.client.get(&news).header("X-Api-Key", "invalid")).await;
    assert_eq!((answer.status, &answer.json()["code"]), (401, &json!("apiKeyInvalid")));
    let answer = desk.send(desk.client.get(&news)).await;
    assert_eq!((answer.status, &answer.json()["code"]), (401, &json!("apiKeyMissing")));
    let model = desk.url("/gemini/v1beta/models/gemini-3.5-flash-lite:generateContent");
    let request = desk.client.post(model).header("x-goog-api-key", "invalid").json(&prompt(4));
    let answer = desk.send(request).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["details"][0]["reason"], "API_KEY_INVALID");
    let chat = desk.client.post(desk.url("/openai/v1/chat/completions")).bearer_auth("invalid");
    assert_eq!(desk.send(chat.json(&json!({}))).await.status, 401);
    let sms = desk.url("/twilio/2010-04-01/Accounts/AC1/Messages.json");
    let answer = desk.send(desk.client.post(sms).basic_auth("AC1", Some("invalid"))).await;
    assert_eq!((answer.status, &answer.json()["code"]), (401, &json!(20003)));

    assert!(desk.ledger().await.iter().all(|entry| entry["verdict"] == "refused:bad_key"));
    assert!(desk.market("GLOBAL_QUOTE", "AAPL").await.text.contains("05. price"));
}
