//! Behaviour of the client on broken connections: bounded in time and size, sent once, and the
//! outcome reported as unknown where it is unknown.

use std::{sync::atomic::Ordering, time::Duration};

use crate::support::{Counting, Reply, Wire, answer, call_each, prompt, settings};
use bellwether_providers::{Error, Free, Scope, gemini::Gemini, openai::OpenAi};

const PATIENT: Duration = Duration::from_secs(10);
const HASTY: Duration = Duration::from_millis(500);

fn expected(provider: &str, repeatable: &'static str) -> &'static str {
    if provider == "twilio" { "unknown" } else { repeatable }
}

async fn classes(reply: Reply, timeout: Duration) -> Vec<(&'static str, &'static str)> {
    let wire = Wire::start(reply).await;
    let results = call_each(&wire.url, timeout, &Free).await;
    assert_eq!(wire.requests(), results.len(), "one request each");
    results
        .into_iter()
        .map(|(name, result)| (name, result.map_or_else(|e| e.class(), |()| "ok")))
        .collect()
}

#[tokio::test]
async fn an_answer_that_never_comes_is_transient_or_for_a_message_unknown() {
    for (reply, timeout) in [(Reply::Silence, HASTY), (Reply::Nothing, PATIENT)] {
        for (name, class) in classes(reply, timeout).await {
            assert_eq!(class, expected(name, "transient"), "{name}");
        }
    }
}

#[tokio::test]
async fn half_a_body_is_as_good_as_none() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half\":".to_vec();
    for (name, class) in classes(Reply::Bytes(half), PATIENT).await {
        assert_eq!(class, expected(name, "transient"), "{name}");
    }
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/base", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    for (name, result) in call_each(&base, PATIENT, &Free).await {
        assert!(matches!(result, Err(Error::Transient { .. })), "{name}: {result:?}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_not_read() {
    let mut huge = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
    huge.extend(std::iter::repeat_n(b' ', 6 * 1024 * 1024));
    for (name, class) in classes(Reply::Bytes(huge), PATIENT).await {
        assert_eq!(class, expected(name, "unusable"), "{name}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_unpacked_is_unusable() {
    let corrupt = answer("200 OK", "content-encoding: gzip\r\n", "this is not gzip at all");
    for (name, class) in classes(corrupt, PATIENT).await {
        assert_eq!(class, expected(name, "unusable"), "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = answer("302 Found", "location: /base/again\r\n", "");
    for (name, class) in classes(elsewhere, PATIENT).await {
        let message = matches!(name, "twilio" | "webhook");
        assert_eq!(class, if message { "refused" } else { "unusable" }, "{name}");
    }
}

#[tokio::test]
async fn a_page_instead_of_data_is_unusable_and_leaves_a_message_unknown() {
    let page = answer("200 OK", "content-type: text/html\r\n", "<html>verify you are human</html>");
    for (name, class) in classes(page, PATIENT).await {
        let expected = if name == "webhook" { "ok" } else { expected(name, "unusable") };
        assert_eq!(class, expected, "{name}");
    }
}

#[tokio::test]
async fn a_server_error_is_transient_and_leaves_a_message_unknown() {
    for (name, class) in classes(answer("502 Bad Gateway", "", "<html>"), PATIENT).await {
        assert_eq!(class, expected(name, "transient"), "{name}");
    }
}

#[tokio::test]
async fn a_date_to_retry_after_is_counted_from_the_answers_own_date() {
    let cases = [
        ("retry-after: 30\r\n", Some(30)),
        (
            "date: Sun, 20 Nov 1994 08:00:00 GMT\r\nretry-after: Sun, 20 Nov 1994 08:00:45 GMT\r\n",
            Some(45),
        ),
        ("date: Sun, 20 Nov 1994 08:00:00 GMT\r\nretry-after: -3\r\n", Some(0)),
        ("retry-after: 99999999999\r\n", Some(86_400)),
        ("retry-after: later\r\n", None),
        ("", None),
    ];
    for (headers, seconds) in cases {
        let wire = Wire::start(answer("429 Too Many Requests", headers, "")).await;
        for (name, result) in call_each(&wire.url, PATIENT, &Free).await {
            let Err(Error::Throttled { wait, .. }) = result else { panic!("{name}: {result:?}") };
            assert_eq!(wait, seconds.map(Duration::from_secs), "{name} with {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_chat_server_tells_its_wait_in_a_header_or_in_words() {
    let words = include_str!("../fixtures/openai/per_minute.json");
    let of_tokens = "x-ratelimit-remaining-requests: 3\r\nx-ratelimit-reset-requests: 1s\r\n\
        x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6m0s\r\n";
    let cases = [
        ("retry-after: 3\r\n", words, 3),
        (of_tokens, words, 360),
        ("x-ratelimit-remaining-requests: 7\r\nx-ratelimit-reset-requests: 1s\r\n", words, 20),
        ("", words, 20),
    ];
    for (headers, body, seconds) in cases {
        let wire = Wire::start(answer("429 Too Many Requests", headers, body)).await;
        let openai = OpenAi::new(&settings(&wire.url, PATIENT), "llama").unwrap();
        let result = openai.read(&prompt(), &Free).await;
        let Err(Error::Throttled { wait, scope, .. }) = result else { panic!("{result:?}") };
        let expected = (Some(Duration::from_secs(seconds)), Scope::Minute);
        assert_eq!((wait, scope), expected, "{headers:?}");
    }
}

#[tokio::test]
async fn what_a_total_holds_beyond_its_parts_is_paid_for_too() {
    let body = include_str!("../fixtures/openai/ok.json");
    let body = body
        .replace("\"completion_tokens\": 118", "\"completion_tokens\": 118, \"total_tokens\": 900");
    assert!(body.contains("total_tokens"));
    let wire = Wire::start(answer("200 OK", "", &body)).await;
    let openai = OpenAi::new(&settings(&wire.url, PATIENT), "llama").unwrap();
    let told = Counting::default();
    let reading = openai.read(&prompt(), &told).await.unwrap();
    assert_eq!((reading.usage.output, reading.usage.thoughts), (118, 370));
    assert_eq!(told.told().3, 900);
}

#[tokio::test]
async fn a_full_day_at_gemini_waits_until_midnight_pacific_by_the_answers_date() {
    let body = include_str!("../fixtures/gemini/day.json");
    let date = "date: Sun, 22 Nov 2026 20:00:00 GMT\r\n";
    let wire = Wire::start(answer("429 Too Many Requests", date, body)).await;
    let gemini = Gemini::new(&settings(&wire.url, PATIENT), "gemini-3.6-flash").unwrap();
    let result = gemini.read(&prompt(), &Free).await;
    let Err(Error::Throttled { key, wait, scope, .. }) = result else { panic!("{result:?}") };
    assert_eq!(key, "gemini/gemini-3.6-flash");
    assert_eq!((wait, scope), (Some(Duration::from_hours(12)), Scope::Day));
}

#[tokio::test]
async fn a_model_that_refuses_the_thinking_settings_is_asked_without_them_next_time() {
    let refusal = include_str!("../fixtures/gemini/thinking.json").trim_end();
    let head = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n", refusal.len());
    let wire = Wire::start(Reply::Bytes(format!("{head}\r\n{refusal}").into_bytes())).await;
    let gemini = Gemini::new(&settings(&wire.url, PATIENT), "gemini-3.5-flash-lite").unwrap();
    let result = gemini.read(&prompt(), &Free).await;
    assert!(matches!(&result, Err(Error::Unusable { reason, .. }) if reason == "thinking_config"));
    assert!(!format!("{gemini:?}").contains("thinks_its_own_way: false"));
}

#[tokio::test]
async fn each_request_takes_one_permit_and_none_leaves_without() {
    let wire = Wire::start(answer("200 OK", "", "{}")).await;
    let granted = Counting::default();
    let calls = call_each(&wire.url, PATIENT, &granted).await.len();
    assert_eq!((granted.taken.load(Ordering::SeqCst), wire.requests()), (calls, calls));

    let refused = Counting { refuses: true, ..Counting::default() };
    for (name, result) in call_each(&wire.url, PATIENT, &refused).await {
        let Err(Error::NotNow(error)) = result else { panic!("{name}: {result:?}") };
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)), "{name}");
    }
    assert_eq!(wire.requests(), calls, "a refused request left all the same");
}

#[tokio::test]
async fn the_cost_of_an_unusable_answer_is_reported() {
    let cases = [
        (include_str!("../fixtures/gemini/max_tokens.json"), true),
        (include_str!("../fixtures/gemini/ok.json"), true),
        (r#"{"candidates":[]}"#, false),
    ];
    for (body, costs) in cases {
        let wire = Wire::start(answer("200 OK", "", body)).await;
        let gemini = Gemini::new(&settings(&wire.url, PATIENT), "gemini-3.5-flash-lite").unwrap();
        let told = Counting::default();
        let _ = gemini.read(&prompt(), &told).await;
        let (taken, faults, rejections, tokens) = told.told();
        assert_eq!((taken, faults, rejections), (1, 0, 0), "{body}");
        assert_eq!(tokens > 0, costs, "{tokens} tokens of {body}");
    }
    let body = include_str!("../fixtures/openai/length.json");
    let wire = Wire::start(answer("200 OK", "", body)).await;
    let openai = OpenAi::new(&settings(&wire.url, PATIENT), "llama").unwrap();
    let told = Counting::default();
    assert!(openai.read(&prompt(), &told).await.is_err());
    assert!(told.told().3 > 0);
}

#[tokio::test]
async fn a_service_that_fails_is_a_fault_and_one_that_says_no_is_none() {
    let page = "<html>";
    let cases = [
        (answer("503 Service Unavailable", "", page), PATIENT, 1, 0),
        (Reply::Silence, HASTY, 1, 0),
        (Reply::Nothing, PATIENT, 1, 0),
        (answer("429 Too Many Requests", "", page), PATIENT, 0, 1),
        (answer("404 Not Found", "", page), PATIENT, 0, 1),
    ];
    for (n, (reply, timeout, faults, rejections)) in cases.into_iter().enumerate() {
        let wire = Wire::start(reply).await;
        let told = Counting::default();
        let results = call_each(&wire.url, timeout, &told).await;
        // a webhook may answer 503 with a wish to wait; here none does
        let expected = (results.len(), faults * results.len(), rejections * results.len(), 0);
        assert_eq!(told.told(), expected, "case {n}: {results:?}");
    }
}
