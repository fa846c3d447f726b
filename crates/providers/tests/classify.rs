//! Every provider's answers, as they were seen, and what each of them means.

use std::{fs, path::Path, time::Duration};

use bellwether_providers::{
    Scope, StopReason, alpha_vantage, gemini, newsapi, openai,
    smtp::{self, Step},
    twilio, webhook,
};

fn fixture(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn each_answer_of_alpha_vantage_has_its_class() {
    use alpha_vantage::Class::{BadKey, Refused, Throttled, Transient, Unusable};
    let throttled =
        |scope, seconds: Option<u64>| Throttled { scope, wait: seconds.map(Duration::from_secs) };
    let cases = [
        ("burst.json", throttled(Scope::Burst, Some(2))),
        ("day.json", throttled(Scope::Day, None)),
        ("day_note.json", throttled(Scope::Day, None)),
        ("old_note.json", throttled(Scope::Minute, Some(60))),
        ("outputsize.json", Refused("entitlement_param")),
        ("premium.json", Refused("entitlement_endpoint")),
        ("demo.json", BadKey),
        ("bad_key.json", BadKey),
        ("bad_key_information.json", BadKey),
        ("invalid_inputs.json", Refused("bad_request")),
        ("invalid_call.json", Refused("unknown_symbol")),
        ("empty_quote.json", Refused("unknown_symbol")),
        ("empty.json", Unusable("no_data")),
        ("html.html", Unusable("html")),
        // data, but not what was asked for
        ("daily.json", Unusable("schema_drift")),
    ];
    for (file, expected) in cases {
        let body = fixture(&format!("alpha_vantage/{file}"));
        assert_eq!(alpha_vantage::classify(200, &body, "Global Quote"), expected, "{file}");
        let shouted = ["Information", "Note", "Error Message", "Global Quote"]
            .iter()
            .fold(body.to_uppercase(), |text, key| text.replace(&key.to_uppercase(), key));
        assert_eq!(alpha_vantage::classify(200, &shouted, "Global Quote"), expected, "{shouted}");
    }
    let data = alpha_vantage::classify(200, &fixture("alpha_vantage/quote.json"), "Global Quote");
    assert!(matches!(data, alpha_vantage::Class::Data(_)), "{data:?}");
    for (status, expected) in [
        (503, Transient),
        (500, Transient),
        (408, Transient),
        (429, throttled(Scope::Unknown, None)),
        (302, Unusable("redirect")),
        (403, Unusable("forbidden")),
    ] {
        let html = fixture("alpha_vantage/html.html");
        assert_eq!(alpha_vantage::classify(status, &html, "Global Quote"), expected, "{status}");
    }
}

#[test]
fn each_answer_of_newsapi_has_its_class_by_code_before_status() {
    use newsapi::Class::{Articles, BadKey, Refused, Throttled, Transient, Unusable};
    let cases = [
        ("everything", Articles),
        ("parameterInvalid", Refused("bad_request")),
        ("too_far", Refused("too_far_in_past")),
        ("parametersMissing", Refused("bad_request")),
        ("sourcesTooMany", Refused("bad_request")),
        ("sourceDoesNotExist", Refused("bad_request")),
        ("apiKeyMissing", BadKey),
        ("apiKeyInvalid", BadKey),
        ("apiKeyDisabled", BadKey),
        ("apiKeyExhausted", Throttled(Scope::Day)),
        ("rateLimited", Throttled(Scope::Day)),
        ("unexpectedError", Transient),
        ("maximumResultsReached", Refused("maximum_results")),
        ("corsNotAllowed", Refused("bad_request")),
    ];
    for (file, expected) in cases {
        let body = fixture(&format!("newsapi/{file}.json"));
        let statuses: &[u16] =
            if expected == Articles { &[200] } else { &[200, 400, 401, 426, 429, 500] };
        for status in statuses {
            assert_eq!(newsapi::classify(*status, &body), expected, "{file} with {status}");
        }
    }
    for (status, body, expected) in [
        (200, "<html></html>", Unusable("html")),
        (200, r#"{"status":"ok","totalResults":1,"#, Unusable("schema_drift")),
        (429, "", Throttled(Scope::Unknown)),
        (426, "", Refused("maximum_results")),
        (401, "", BadKey),
        (502, "<html></html>", Transient),
        (301, "", Unusable("redirect")),
    ] {
        assert_eq!(newsapi::classify(status, body), expected, "{status} {body}");
    }
}

#[test]
fn each_answer_of_gemini_has_its_class() {
    use gemini::Class::{
        BadKey, Blocked, Day, Minute, ModelGone, NotEntitled, Refused, Thinking, Throttled,
        Transient, Unusable,
    };
    let minute = |seconds: f64| Minute { wait: Some(Duration::from_secs_f64(seconds)) };
    let cases = [
        (429, "limit_zero", NotEntitled),
        (429, "day", Day { wait: None }),
        (429, "both", Day { wait: None }),
        (429, "long_delay", Day { wait: Some(Duration::from_hours(1)) }),
        (429, "minute", minute(47.0)),
        (429, "tokens_minute", minute(12.5)),
        (429, "message_delay", minute(47.2)),
        (429, "short_delay", minute(0.572)),
        (429, "bare", Throttled),
        (503, "overloaded", Transient),
        (500, "overloaded", Transient),
        (504, "overloaded", Transient),
        (400, "bad_key", BadKey),
        (400, "thinking", Thinking),
        (400, "bad_request", Refused("bad_request")),
        (400, "location", NotEntitled),
        (403, "bad_request", BadKey),
        (404, "model_gone", ModelGone),
        (200, "blocked", Blocked("PROHIBITED_CONTENT".into())),
        (200, "safety", Blocked("SAFETY".into())),
        (200, "recitation", Blocked("RECITATION".into())),
        (200, "other", Unusable("finish_reason")),
        (200, "max_tokens", Unusable("max_tokens")),
        (200, "no_candidates", Unusable("no_candidates")),
    ];
    for (status, file, expected) in cases {
        let body = fixture(&format!("gemini/{file}.json"));
        assert_eq!(gemini::classify(status, &body), expected, "{file} with {status}");
    }
    assert_eq!(gemini::classify(200, "<html>"), Unusable("html"));
    assert_eq!(gemini::classify(200, r#"{"candidates":[{"#), Unusable("schema_drift"));
    for file in ["ok", "thoughts_first"] {
        let class = gemini::classify(200, &fixture(&format!("gemini/{file}.json")));
        let gemini::Class::Text(text) = class else { panic!("{file}: {class:?}") };
        assert!(text.starts_with(r#"{"key_points""#) && text.ends_with('}'), "{file}: {text}");
    }
}

#[test]
fn each_answer_of_a_chat_server_has_its_class() {
    use openai::Class::{Refused, Stopped, Throttled, Transient, Unusable};
    let cases = [
        (200, "length", Unusable("max_tokens")),
        (200, "filter", Refused("blocked_content_filter")),
        (200, "refusal", Refused("blocked_refusal")),
        (200, "no_choices", Unusable("no_choices")),
        (401, "bad_key", Stopped(StopReason::BadKey)),
        (429, "quota", Stopped(StopReason::NotEntitled)),
        (429, "per_minute", Throttled(Scope::Minute)),
        (429, "per_day", Throttled(Scope::Day)),
        (404, "model", Stopped(StopReason::ModelGone)),
        (400, "model", Stopped(StopReason::ModelGone)),
        (400, "too_long", Refused("too_long")),
        (500, "quota", Transient),
    ];
    for (status, file, expected) in cases {
        let body = fixture(&format!("openai/{file}.json"));
        assert_eq!(openai::classify(status, &body), expected, "{file} with {status}");
    }
    assert!(matches!(openai::classify(200, &fixture("openai/ok.json")), openai::Class::Text(_)));
    assert_eq!(openai::classify(429, ""), Throttled(Scope::Unknown));
}

#[test]
fn each_answer_of_twilio_has_its_class_by_status_before_code() {
    use twilio::Class::{Accepted, BadKey, Refused, Throttled, Unknown};
    let cases = [
        (201, "created", Accepted),
        (400, "21211", Refused("invalid_to")),
        (400, "21212", Refused("invalid_from")),
        (400, "21408", Refused("region_not_permitted")),
        (400, "21606", Refused("invalid_from")),
        (400, "21610", Refused("unsubscribed")),
        (400, "21612", Refused("unroutable")),
        (400, "21614", Refused("not_mobile")),
        (400, "21617", Refused("body_too_long")),
        (401, "20003", BadKey),
        (429, "20429", Throttled(Scope::Burst)),
        (400, "21611", Throttled(Scope::Unknown)),
        (400, "14107", Throttled(Scope::Unknown)),
        // whatever the code says, the server failed after it had the message
        (500, "21610", Unknown),
        (503, "20429", Unknown),
    ];
    for (status, file, expected) in cases {
        let body = fixture(&format!("twilio/{file}.json"));
        assert_eq!(twilio::classify(status, &body), expected, "{file} with {status}");
    }
    for (status, expected) in [
        (429, Throttled(Scope::Burst)),
        (404, Refused("bad_request")),
        (408, Unknown),
        (302, Refused("redirect")),
        (502, Unknown),
    ] {
        assert_eq!(twilio::classify(status, "<html>"), expected, "{status}");
    }
}

#[test]
fn a_mail_that_was_lost_after_its_content_began_is_unknown() {
    use smtp::Class::{BadKey, Refused, Transient, Unknown};
    let cases = [
        (Step::Connect, None, Transient),
        (Step::Connect, Some(421), Transient),
        (Step::Authenticate, Some(535), BadKey),
        (Step::Authenticate, Some(454), Transient),
        (Step::Envelope, None, Transient),
        (Step::Envelope, Some(451), Transient),
        (Step::Envelope, Some(550), Refused),
        (Step::Content, Some(452), Transient),
        (Step::Content, Some(554), Refused),
        (Step::Content, None, Unknown),
    ];
    for (step, code, expected) in cases {
        assert_eq!(smtp::classify(step, code), expected, "{step:?} {code:?}");
    }
}

#[test]
fn each_status_of_a_webhook_has_its_class() {
    use webhook::Class::{Accepted, BadKey, Refused, Throttled, Transient};
    let cases = [
        (200, false, Accepted),
        (204, false, Accepted),
        (307, false, Refused("redirect")),
        (400, false, Refused("bad_request")),
        (401, false, BadKey),
        (410, false, Refused("gone")),
        (429, false, Throttled),
        (503, true, Throttled),
        (503, false, Transient),
        (500, false, Transient),
        (408, false, Transient),
    ];
    for (status, asks, expected) in cases {
        assert_eq!(webhook::classify(status, asks), expected, "{status} {asks}");
    }
}
