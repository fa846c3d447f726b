//! Text messages, mails and webhooks, as the sandbox takes them.

use bellwether_providers::{
    Free,
    smtp::Email,
    webhook::{self, Webhook},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::{
    outside::{Outside, TIMEOUT, verdict},
    support::now,
};

const NUMBER: &str = "+15005550010";

#[tokio::test]
async fn a_text_message_arrives_with_its_nonce() {
    let outside = Outside::start().await;
    let sent = outside.twilio().send(NUMBER, "AAPL fell 12 %", "k3f9", &Free).await.unwrap();
    let outbox = outside.outbox().await;
    assert_eq!(outbox["sms"][0]["body"], "AAPL fell 12 % [#k3f9]");
    assert_eq!(outbox["sms"][0]["sid"], sent.sid);
}

/// Looks up a message that ended as unknown; true if it is there.
async fn found_after(fault: &str) -> bool {
    let outside = Outside::start().await;
    outside.fault(fault).await;
    let result = outside.twilio().send(NUMBER, "AAPL fell 12 %", "k3f9", &Free).await;
    assert_eq!(verdict(&result), "unknown", "{fault}: {result:?}");
    let since: DateTime<Utc> = now() - TimeDelta::hours(1);
    let twilio = outside.twilio();
    assert_eq!(twilio.find_by_nonce(NUMBER, since, "zzzz", &Free).await.unwrap(), None);
    let found = outside.twilio().find_by_nonce(NUMBER, since, "k3f9", &Free).await.unwrap();
    let there = outside.outbox().await["sms"].as_array().is_some_and(|sms| !sms.is_empty());
    assert_eq!(found.is_some(), there, "{fault}");
    there
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_unknown_until_it_is_looked_up() {
    for fault in ["F05", "F82", "F82/502"] {
        assert!(found_after(fault).await, "{fault}");
    }
    assert!(!found_after("F06").await);
}

#[tokio::test]
async fn each_fault_of_twilio_leads_to_its_verdict() {
    let cases = [
        ("F80/21211", "refused invalid_to"),
        ("F80/21212", "refused invalid_from"),
        ("F80/21408", "refused region_not_permitted"),
        ("F80/21606", "refused invalid_from"),
        ("F80/21611", "throttled unknown"),
        ("F80/21612", "refused unroutable"),
        ("F80/21614", "refused not_mobile"),
        ("F81", "throttled burst"),
        ("F84", "refused unsubscribed"),
        ("F87", "stopped bad_key"),
    ];
    for (fault, expected) in cases {
        let outside = Outside::start().await;
        outside.fault(fault).await;
        let result = outside.twilio().send(NUMBER, "AAPL fell 12 %", "k3f9", &Free).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
        assert_eq!(outside.outbox().await["sms"], json!([]), "{fault}");
    }
    let outside = Outside::start().await;
    let stopped = outside.twilio().send("+15005550004", "hello", "k3f9", &Free).await;
    assert_eq!(verdict(&stopped), "refused unsubscribed");
}

fn email() -> Email {
    Email {
        to: "Operator <operator@example.com>".into(),
        subject: "AAPL fell 12 % – naïve\r\nBcc: everybody@example.com".into(),
        body: "It closed at 201.13.\n.\nThis line follows a line with a single dot.\n".into(),
        message_id: "4a7c1f0e@bellwether.example".into(),
    }
}

#[tokio::test]
async fn a_mail_arrives_with_its_message_id_and_with_no_header_of_its_subjects() {
    let outside = Outside::start().await;
    let sent = outside.smtp("").send(&email(), &Free).await.unwrap();
    assert_eq!(sent.message_id, "4a7c1f0e@bellwether.example");
    outside.smtp("me:secret@").send(&email(), &Free).await.unwrap();
    let outbox = outside.outbox().await;
    let mails = outbox["email"].as_array().unwrap();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        let id = mail["message_id"].as_str().unwrap();
        assert_eq!(id.trim_matches(['<', '>']), "4a7c1f0e@bellwether.example");
        assert_eq!(mail["to"], json!(["operator@example.com"]));
        let raw = mail["raw"].as_str().unwrap();
        assert!(!raw.contains("\nBcc:"), "{raw}");
        assert!(raw.contains("single dot"), "{raw}");
    }
}

#[tokio::test]
async fn each_fault_of_a_mail_server_leads_to_its_verdict() {
    let outside = Outside::start().await;
    let cases = [
        ("F85/451", "transient", 0),
        ("F85/421", "transient", 0),
        ("F85/450", "transient", 0),
        ("F85/452", "transient", 0),
        ("F85/550", "refused rejected", 0),
        ("F85/552", "refused rejected", 0),
        ("F85/554", "refused rejected", 0),
        ("F87", "stopped bad_key", 0),
        ("F86", "unknown", 1),
    ];
    for (fault, expected, arrived) in cases {
        outside.fault(fault).await;
        let login = if fault == "F87" { "me:secret@" } else { "" };
        let result = outside.smtp(login).send(&email(), &Free).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
        let outbox = outside.outbox().await;
        assert_eq!(outbox["email"].as_array().map(Vec::len), Some(arrived), "{fault}");
    }
}

#[tokio::test]
async fn a_webhook_gets_its_payload_and_the_key_that_makes_repeats_harmless() {
    let outside = Outside::start().await;
    let payload = json!({"alert": {"symbol": "AAPL"}});
    let sent = outside.webhook().send(&payload, "episode-7/webhook/1", &Free).await.unwrap();
    assert_eq!(sent.status, 200);
    let outbox = outside.outbox().await;
    assert_eq!(outbox["webhook"][0]["payload"], payload);
    assert_eq!(outbox["webhook"][0]["idempotency_key"], "episode-7/webhook/1");
    for fault in ["F05", "F06"] {
        outside.fault(fault).await;
        let result = outside.webhook().send(&payload, "episode-7/webhook/1", &Free).await;
        assert_eq!(verdict(&result), "transient", "{fault}: {result:?}");
    }
}

#[test]
fn a_webhook_leaves_this_machine_encrypted_or_not_at_all() {
    for (url, allowed) in [
        ("https://hooks.example/x", true),
        ("http://127.0.0.1:4010/webhook", true),
        ("http://localhost:4010/webhook", true),
        ("http://[::1]:4010/webhook", true),
        ("http://hooks.example/x", false),
        ("ftp://127.0.0.1/x", false),
        ("hooks.example", false),
    ] {
        let webhook = Webhook::new(&webhook::Settings { url: url.into(), timeout: TIMEOUT });
        assert_eq!(webhook.is_ok(), allowed, "{url}: {webhook:?}");
    }
}
