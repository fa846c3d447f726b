//! Twilio and the webhook.

use serde_json::json;

use crate::desk;

#[tokio::test]
async fn a_message_is_queued_kept_and_found_again() {
    let desk = desk::open().await;
    let form = [("To", "+15551234567"), ("From", "+15005550006"), ("Body", "AAPL -12 % [#k3f9]")];
    let sent = desk.sms(&form).await;
    assert_eq!(sent.status, 201);
    let sent = sent.json();
    assert_eq!(sent["status"], "queued");
    assert!(sent["sid"].as_str().is_some_and(|sid| sid.starts_with("SM") && sid.len() == 34));
    assert_eq!(desk.outbox().await["sms"][0]["body"], "AAPL -12 % [#k3f9]");

    desk.advance("10s").await;
    let list = async |query: &str| {
        let path = format!("/twilio/2010-04-01/Accounts/AC1/Messages.json?{query}");
        let request = desk.client.get(desk.url(&path)).basic_auth("AC1", Some("token"));
        desk.send(request).await.json()["messages"].as_array().expect("messages").clone()
    };
    let found = list("To=%2B15551234567&DateSent%3E=2026-11-23").await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["sid"], &found[0]["status"]), (&sent["sid"], &json!("delivered")));
    assert!(list("To=%2B15550000000").await.is_empty());
    assert!(list("DateSent%3E=2026-11-24").await.is_empty());
}

#[tokio::test]
async fn magic_numbers_give_their_codes() {
    let desk = desk::open().await;
    for (to, from, code) in [
        ("+15005550001", "+15005550006", 21211),
        ("+15005550002", "+15005550006", 21612),
        ("+15005550003", "+15005550006", 21408),
        ("+15005550004", "+15005550006", 21610),
        ("+15005550009", "+15005550006", 21614),
        ("+15551234567", "+15005550001", 21212),
        ("+15551234567", "+15005550007", 21606),
        ("+15551234567", "+15005550008", 21611),
        ("not a number", "+15005550006", 21211),
    ] {
        let answer = desk.sms(&[("To", to), ("From", from), ("Body", "x")]).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(code)));
        desk.advance("2s").await;
    }
    assert_eq!(desk.outbox().await["sms"], json!([]));
}

#[tokio::test]
async fn twilio_faults_refuse_or_accept_in_silence() {
    let desk = desk::open().await;
    let form = [("To", "+15551234567"), ("From", "+15005550006"), ("Body", "x")];
    for (fault, status, code) in [
        (json!({"id": "F80", "mode": "21614"}), 400, 21614),
        (json!({"id": "F81"}), 429, 20429),
        (json!({"id": "F84"}), 400, 21610),
        (json!({"id": "F87"}), 401, 20003),
    ] {
        desk.faults(json!([fault])).await;
        let answer = desk.sms(&form).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)));
        desk.advance("2s").await;
    }
    assert_eq!(desk.outbox().await["sms"], json!([]));
    desk.faults(json!([{"id": "F82"}])).await;
    assert_eq!(desk.sms(&form).await.status, 500);
    assert_eq!(desk.outbox().await["sms"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_webhook_keeps_payload_and_idempotency_key() {
    let desk = desk::open().await;
    let request = desk.client.post(desk.url("/webhook")).header("Idempotency-Key", "n-1");
    assert_eq!(desk.send(request.json(&json!({"alert": 7}))).await.status, 200);
    let hook = desk.outbox().await["webhook"][0].clone();
    assert_eq!(hook["payload"], json!({"alert": 7}));
    assert_eq!(hook["idempotency_key"], "n-1");
}
