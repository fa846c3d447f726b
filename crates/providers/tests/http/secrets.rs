//! No key in an error, a log line or a debug print, whatever the other side sends back.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{KEY, Reply, Wire, answer, call_each, settings, twilio_at, webhook_at};
use bellwether_providers::{
    Free, alpha_vantage::AlphaVantage, gemini::Gemini, newsapi::NewsApi, openai::OpenAi, smtp,
};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Pieces of the key long enough to be worth something, as they are and as an address writes them.
fn betrays(text: &str) -> bool {
    let encoded: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
    [KEY, &encoded].iter().any(|key| {
        (0..key.len() - 12).filter_map(|at| key.get(at..at + 12)).any(|piece| text.contains(piece))
    }) || text.contains("QUMwMDAw") // the user of basic authentication, and with it the token
}

#[tokio::test]
async fn no_error_shows_a_key_even_if_the_provider_echoes_the_whole_request() {
    let keyed = answer(
        "200 OK",
        "",
        &format!(
            "{{\"Information\": \"We have detected your API key as {KEY} and our standard API \
             rate limit is 25 requests per day\", \"error\": {{\"message\": \"Bearer {KEY}\"}}}}"
        ),
    );
    let replies = [
        Reply::Echo("HTTP/1.1 200 OK\r\n"),
        Reply::Echo("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\n"),
        Reply::Echo("HTTP/1.1 400 Bad Request\r\n"),
        Reply::Echo("HTTP/1.1 401 Unauthorized\r\n"),
        Reply::Echo("HTTP/1.1 429 Too Many Requests\r\n"),
        Reply::Echo("HTTP/1.1 500 Internal Server Error\r\n"),
        Reply::Bytes(format!("HTTP/9.9 {KEY}\r\n\r\n").into_bytes()),
        Reply::Nothing,
        keyed,
    ];
    let mut errors = 0;
    for reply in replies {
        let wire = Wire::start(reply).await;
        for (name, result) in call_each(&wire.url, TIMEOUT, &Free).await {
            let Err(error) = result else { continue };
            errors += 1;
            for text in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
                assert!(!betrays(&text), "{name}: {text}");
            }
        }
    }
    assert!(errors > 45, "only {errors} errors were looked at");
}

#[tokio::test]
async fn no_error_of_a_dead_address_shows_a_key() {
    let base = "http://127.0.0.1:9/base".parse().unwrap();
    for (name, result) in call_each(&base, TIMEOUT, &Free).await {
        let error = result.unwrap_err();
        assert!(!betrays(&format!("{error} {error:?}")), "{name}: {error:?}");
    }
    let mail = smtp::Settings {
        url: format!("smtp://me:{}@127.0.0.1:9", KEY.replace('/', "%2F")).into(),
        from: "bellwether@example.com".into(),
        timeout: TIMEOUT,
    };
    let email = smtp::Email {
        to: "operator@example.com".into(),
        subject: "s".into(),
        body: "b".into(),
        message_id: "1@bellwether.example".into(),
    };
    let error = smtp::Smtp::new(&mail).unwrap().send(&email, &Free).await.unwrap_err();
    assert_eq!(error.class(), "transient");
    assert!(!betrays(&format!("{error} {error:?}")), "{error:?}");
}

#[test]
fn no_client_and_no_settings_show_their_key() {
    let base = "https://example.com/base".parse().unwrap();
    let settings = settings(&base, TIMEOUT);
    let mail = smtp::Settings {
        url: format!("smtp://me:{}@mail.example", KEY.replace('/', "%2F")).into(),
        from: "bellwether@example.com".into(),
        timeout: TIMEOUT,
    };
    let texts = [
        format!("{settings:?}"),
        format!("{:?}", AlphaVantage::new(&settings).unwrap()),
        format!("{:?}", NewsApi::new(&settings).unwrap()),
        format!("{:?}", Gemini::new(&settings, "m").unwrap()),
        format!("{:?}", OpenAi::new(&settings, "m").unwrap()),
        format!("{:?}", twilio_at(&base, TIMEOUT)),
        format!("{mail:?}"),
        format!("{:?}", smtp::Smtp::new(&mail).unwrap()),
    ];
    for text in texts {
        assert!(!betrays(&text), "{text}");
    }
    // the webhook's address is the key of the webhook
    let webhook = format!("{:?}", webhook_at(&base, TIMEOUT));
    assert!(!betrays(&webhook), "{webhook}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn each_request_is_one_span_that_says_who_and_how_and_no_key() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let wire = Wire::start(Reply::Echo("HTTP/1.1 401 Unauthorized\r\n")).await;
    let guard = tracing::subscriber::set_default(subscriber);
    let calls = call_each(&wire.url, TIMEOUT, &Free).await.len();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let spans: Vec<_> = text
        .lines()
        .filter(|line| line.contains("provider.call{") && line.contains("close"))
        .collect();
    assert_eq!(spans.len(), calls, "{text}");
    assert!(spans.iter().all(|span| span.contains("outcome=\"stopped\"")), "{spans:#?}");
    assert!(spans.iter().all(|span| span.contains("duration_ms=")), "{spans:#?}");
    assert!(spans[0].contains("provider=\"alpha_vantage\""), "{spans:#?}");
    assert!(!betrays(&text), "{text}");
}
