//! Every provider as the sandbox imitates it: what works, and each of its faults.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use bellwether_providers::{
    Error, Free, Result, Scope, Settings, StopReason,
    alpha_vantage::{AlphaVantage, Depth},
    gemini::{self, Gemini, Reading},
    newsapi::{NewsApi, Page, Query},
    openai::OpenAi,
    smtp::{self, Email, Smtp},
    twilio::{self, Twilio},
    webhook::{self, Webhook},
};
use bellwether_sandbox::{Options, Running, Sandbox};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::{Counting, now, prompt};

const TIMEOUT: Duration = Duration::from_secs(10);
const NUMBER: &str = "+15005550010";

struct Outside {
    running: Running,
    client: reqwest::Client,
}

impl Outside {
    async fn start() -> Self {
        let options = Options { now: Some(now()), ..Options::default() };
        let running = Sandbox::start(options).await.unwrap();
        Self { running, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    fn control(&self, path: &str) -> String {
        format!("{}/_sandbox/{path}", self.running.url())
    }

    async fn fault(&self, fault: &str) {
        let (id, mode) = fault.split_once('/').unwrap_or((fault, ""));
        let mut setting = json!({"id": id, "count": 1});
        if !mode.is_empty() {
            setting["mode"] = json!(mode);
        }
        let request = self.client.post(self.control("faults")).json(&json!([setting]));
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{fault}: {}", response.text().await.unwrap());
    }

    async fn outbox(&self) -> Value {
        self.client.get(self.control("outbox")).send().await.unwrap().json().await.unwrap()
    }

    fn settings(&self, path: &str) -> Settings {
        Settings {
            base_url: format!("{}{path}", self.running.url()).parse().unwrap(),
            key: "a-good-key".into(),
            timeout: TIMEOUT,
        }
    }

    /// A new client each time: nobody waits for the pace of the last.
    fn market(&self) -> AlphaVantage {
        AlphaVantage::new(&self.settings("/alphavantage")).unwrap()
    }

    fn news(&self) -> NewsApi {
        NewsApi::new(&self.settings("/newsapi")).unwrap()
    }

    fn gemini(&self) -> Gemini {
        Gemini::new(&self.settings("/gemini"), gemini::DEFAULT_MODEL).unwrap()
    }

    fn openai(&self) -> OpenAi {
        OpenAi::new(&self.settings("/openai/v1"), "llama3").unwrap()
    }

    fn twilio(&self) -> Twilio {
        Twilio::new(&twilio::Settings {
            base_url: self.settings("/twilio").base_url,
            account_sid: "AC00000000000000000000000000000001".into(),
            auth_token: "a-good-token".into(),
            from: "+15005550006".into(),
            timeout: TIMEOUT,
        })
        .unwrap()
    }

    fn smtp(&self, login: &str) -> Smtp {
        let url = format!("smtp://{login}{}", self.running.smtp.unwrap()).into();
        let from = "Bellwether <bellwether@example.com>".into();
        Smtp::new(&smtp::Settings { url, from, timeout: TIMEOUT }).unwrap()
    }

    fn webhook(&self) -> Webhook {
        let url = format!("{}/webhook/hooks", self.running.url()).into();
        Webhook::new(&webhook::Settings { url, timeout: TIMEOUT }).unwrap()
    }

    async fn find(&self, query: &Query) -> Result<Page> {
        self.news().everything(query, now(), &Free).await
    }
}

/// The class of a result with its particulars, short enough for a table.
fn verdict<T: std::fmt::Debug>(result: &Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(Error::Throttled { scope, .. }) => format!("throttled {scope}"),
        Err(Error::Stopped { reason, .. }) => format!("stopped {reason}"),
        Err(Error::Refused { reason, .. }) => format!("refused {reason}"),
        Err(Error::Unusable { reason, .. }) => format!("unusable {reason}"),
        Err(error) => error.class().into(),
    }
}

fn apple() -> Query {
    let from = Some(now() - TimeDelta::days(14));
    Query { q: "Apple OR Microsoft".into(), from, ..Query::default() }
}

fn in_range(reading: &Reading) -> bool {
    (-1.0..=1.0).contains(&reading.sentiment)
        && (0.0..=1.0).contains(&reading.confidence)
        && (0.0..=1.0).contains(&reading.relevance)
        && reading.usage.input > 0
        && reading.usage.output > 0
}

#[tokio::test]
async fn the_latest_quote_is_of_the_day_of_the_latest_bar() {
    let outside = Outside::start().await;
    let market = outside.market();
    let quote = market.quote("AAPL", &Free).await.unwrap();
    let bars = market.daily("AAPL", Depth::Compact, &Free).await.unwrap();
    assert_eq!(bars.len(), 100);
    assert!(bars.is_sorted_by_key(|bar| bar.day), "oldest first");
    assert_eq!(bars.last().map(|bar| bar.day), Some(quote.trading_day));
    assert_eq!(quote.trading_day.to_string(), "2026-11-20", "the Friday before a Sunday");
    assert!(quote.previous_close.is_some() && quote.volume.is_some());
}

#[tokio::test]
async fn each_fault_of_alpha_vantage_leads_to_its_verdict() {
    let cases = [
        ("F20", "throttled burst"),
        ("F21", "throttled day"),
        ("F22", "throttled minute"),
        ("F23", "refused entitlement_endpoint"),
        ("F24", "refused entitlement_param"),
        ("F25", "stopped bad_key"),
        ("F26", "stopped bad_key"),
        ("F27/empty_object", "unusable no_data"),
        ("F27/empty_quote", "refused unknown_symbol"),
        ("F28", "refused unknown_symbol"),
        ("F29/none", "unusable schema_drift"),
        ("F29/dash", "unusable schema_drift"),
        ("F29/empty", "unusable schema_drift"),
        ("F29/missing", "unusable schema_drift"),
        ("F04", "unusable schema_drift"),
        ("F05", "transient"),
        ("F06", "transient"),
        ("F07", "unusable html"),
        ("F10", "unusable body_too_large"),
        ("F11", "ok"),
    ];
    for (fault, expected) in cases {
        // a sandbox each: it allows one request a second
        let outside = Outside::start().await;
        outside.fault(fault).await;
        let result = outside.market().quote("AAPL", &Free).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
    }
    let outside = Outside::start().await;
    let result = outside.market().daily("ZZZZ", Depth::Compact, &Free).await;
    assert_eq!(verdict(&result), "refused unknown_symbol");
}

#[tokio::test]
async fn a_plan_without_full_histories_is_asked_once_more_and_remembered() {
    let outside = Outside::start().await;
    let market = outside.market();
    let granted = Counting::default();
    // the sandbox's plan includes none
    let bars = market.daily("AAPL", Depth::Full, &granted).await.unwrap();
    assert_eq!((bars.len(), granted.taken.load(Ordering::SeqCst)), (100, 2));
    let bars = market.daily("AAPL", Depth::Full, &granted).await.unwrap();
    assert_eq!((bars.len(), granted.taken.load(Ordering::SeqCst)), (100, 3));
}

#[tokio::test]
async fn one_request_about_a_topic_brings_scored_stories_about_many_shares() {
    let outside = Outside::start().await;
    let from = now() - TimeDelta::hours(48);
    let feed = outside.market().news("financial_markets", from, now(), &Free).await.unwrap();
    assert!(feed.stories.len() > 20, "{} stories", feed.stories.len());
    assert!(feed.dropped.is_empty(), "{:?}", feed.dropped);
    let tickers: BTreeSet<_> =
        feed.stories.iter().flat_map(|s| &s.opinions).map(|o| o.ticker.as_str()).collect();
    assert!(tickers.len() > 5, "{tickers:?}");
    assert!(feed.stories.iter().all(|s| s.overall.is_some() && s.article.published_at >= from));

    for (fault, expected) in [("F20", "throttled burst"), ("F21", "throttled day"), ("F32", "ok")] {
        let outside = Outside::start().await;
        outside.fault(fault).await;
        let result = outside.market().news("earnings", from, now(), &Free).await;
        assert_eq!(verdict(&result), expected, "{fault}");
    }
}

#[tokio::test]
async fn two_clients_that_do_not_know_each_other_are_told_to_slow_down() {
    let outside = Outside::start().await;
    outside.market().quote("AAPL", &Free).await.unwrap();
    let result = outside.market().quote("MSFT", &Free).await;
    let Err(Error::Throttled { key, wait, scope, .. }) = result else { panic!("{result:?}") };
    assert_eq!((key.as_str(), scope), ("alpha_vantage", Scope::Burst));
    assert_eq!(wait, Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn one_process_spaces_its_requests_as_the_provider_wants_them() {
    let outside = Outside::start().await;
    let market = outside.market();
    let began = std::time::Instant::now();
    // each is granted at once, and the provider takes one a second
    let (a, b, c) = tokio::join!(
        market.quote("AAPL", &Free),
        market.quote("MSFT", &Free),
        market.quote("AMZN", &Free)
    );
    for result in [a, b, c] {
        assert!(result.is_ok(), "{result:?}");
    }
    assert!(began.elapsed() >= Duration::from_millis(2_400), "{:?}", began.elapsed());
}

#[tokio::test]
async fn news_come_dated_and_named() {
    let outside = Outside::start().await;
    let page = outside.find(&apple()).await.unwrap();
    assert!(!page.articles.is_empty());
    assert!(page.dropped.is_empty(), "{:?}", page.dropped);
    assert!(page.total >= page.articles.len() as u64);
    assert!(page.articles.iter().all(|article| article.published_at <= now()));
}

#[tokio::test]
async fn each_fault_of_newsapi_leads_to_its_verdict() {
    let outside = Outside::start().await;
    let cases = [
        ("F40", "throttled day"),
        ("F41/429", "throttled day"),
        ("F41/401", "throttled day"),
        ("F42", "refused maximum_results"),
        ("F45", "refused too_far_in_past"),
        ("F44", "ok"),
        ("F06/500", "transient"),
        ("F07", "unusable html"),
    ];
    for (fault, expected) in cases {
        outside.fault(fault).await;
        let result = outside.find(&apple()).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
    }
    for (fault, reason) in
        [("F43", "removed"), ("F47/future", "future"), ("F47/missing", "undated")]
    {
        outside.fault(fault).await;
        let page = outside.find(&apple()).await.unwrap();
        assert!(page.dropped.get(reason).is_some_and(|n| *n > 0), "{fault}: {:?}", page.dropped);
    }
    let second = Query { page: 2, ..apple() };
    assert_eq!(verdict(&outside.find(&second).await), "refused maximum_results");
}

#[tokio::test]
async fn a_model_reads_an_article() {
    let outside = Outside::start().await;
    let reading = outside.gemini().read(&prompt(), &Free).await.unwrap();
    assert!(in_range(&reading), "{reading:?}");
    assert_eq!(reading.model_version, gemini::DEFAULT_MODEL);
    assert_eq!(reading.retirement_time, None);
    let reading = outside.openai().read(&prompt(), &Free).await.unwrap();
    assert!(in_range(&reading), "{reading:?}");

    outside.fault("F77").await;
    let reading = outside.gemini().read(&prompt(), &Free).await.unwrap();
    let left = reading.retirement_time.unwrap() - now();
    assert_eq!(left.num_days(), 14, "{reading:?}");
    outside.fault("F74").await;
    assert!(outside.gemini().read(&prompt(), &Free).await.is_ok(), "thoughts are no answer");
}

#[tokio::test]
async fn each_fault_of_a_model_leads_to_its_verdict() {
    let outside = Outside::start().await;
    let cases = [
        ("F60", "throttled minute", "throttled minute"),
        ("F61", "throttled day", "throttled day"),
        ("F62", "throttled day", "throttled unknown"),
        ("F63", "throttled unknown", "throttled unknown"),
        ("F64", "stopped not_entitled", "stopped not_entitled"),
        ("F65", "transient", "transient"),
        ("F66", "refused blocked_prohibited_content", "refused blocked_content_filter"),
        ("F67", "refused blocked_recitation", "refused blocked_content_filter"),
        ("F68", "unusable max_tokens", "unusable max_tokens"),
        ("F69/prose", "unusable invalid_output", "unusable invalid_output"),
        ("F70/out_of_range", "unusable invalid_output", "unusable invalid_output"),
        ("F70/nan", "unusable invalid_output", "unusable invalid_output"),
        ("F70/string_number", "unusable invalid_output", "unusable invalid_output"),
        ("F70/extra_key", "unusable invalid_output", "unusable invalid_output"),
        ("F70/missing_key", "unusable invalid_output", "unusable invalid_output"),
        ("F70/wrong_enum", "unusable invalid_output", "unusable invalid_output"),
        ("F71", "stopped model_gone", "stopped model_gone"),
        ("F72", "stopped bad_key", "stopped bad_key"),
        ("F73", "unusable thinking_config", "refused bad_request"),
    ];
    for (fault, of_gemini, of_openai) in cases {
        // a model each: it allows 15 requests a minute
        let settings = outside.settings("/gemini");
        let model = format!("gemini-3.5-{}", fault.replace('/', "-").to_lowercase());
        let gemini = Gemini::new(&settings, &model).unwrap();
        outside.fault(fault).await;
        let result = gemini.read(&prompt(), &Free).await;
        assert_eq!(verdict(&result), of_gemini, "{fault}: {result:?}");
        outside.fault(fault).await;
        let result = outside.openai().read(&prompt(), &Free).await;
        assert_eq!(verdict(&result), of_openai, "{fault}: {result:?}");
    }
}

#[tokio::test]
async fn a_refused_thinking_setting_is_left_out_the_next_time() {
    let outside = Outside::start().await;
    let gemini = outside.gemini();
    outside.fault("F73").await;
    assert_eq!(verdict(&gemini.read(&prompt(), &Free).await), "unusable thinking_config");
    assert!(in_range(&gemini.reread(&prompt(), 1, &Free).await.unwrap()));
}

#[tokio::test]
async fn a_text_message_arrives_with_its_nonce() {
    let outside = Outside::start().await;
    let sent = outside.twilio().send(NUMBER, "AAPL fell 12 %", "k3f9", &Free).await.unwrap();
    let outbox = outside.outbox().await;
    assert_eq!(outbox["sms"][0]["body"], "AAPL fell 12 % [#k3f9]");
    assert_eq!(outbox["sms"][0]["sid"], sent.sid);
}

/// Whether a message that ended as unknown turns out to be there.
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

#[tokio::test]
async fn a_wrong_key_stops_its_limit_key() {
    let outside = Outside::start().await;
    let wrong = |path: &str| Settings { key: "invalid".into(), ..outside.settings(path) };
    let market = AlphaVantage::new(&wrong("/alphavantage")).unwrap();
    let gemini = Gemini::new(&wrong("/gemini"), "gemini-3.5-flash-lite").unwrap();
    let result = market.quote("AAPL", &Free).await;
    let Err(Error::Stopped { key, reason, .. }) = result else { panic!("{result:?}") };
    assert_eq!((key.as_str(), reason), ("alpha_vantage", StopReason::BadKey));
    let result = gemini.read(&prompt(), &Free).await;
    let Err(Error::Stopped { key, reason, .. }) = result else { panic!("{result:?}") };
    assert_eq!((key.as_str(), reason), ("gemini/gemini-3.5-flash-lite", StopReason::BadKey));
}
