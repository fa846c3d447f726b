//! No password leaves this machine in clear, whatever a mail server offers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bellwether_providers::{
    Error, Free,
    smtp::{Email, Settings, Smtp},
};
use bellwether_sandbox::{Options, Sandbox};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
};

/// 127.0.0.1 to the resolver, and no loopback address as it is written.
const ELSEWHERE: &str = "127.1";

/// A mail server that takes any login, and the lines that it has read.
async fn server(offers: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let read = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, offers, Arc::clone(&read)));
        }
    });
    (port, lines)
}

async fn serve(stream: TcpStream, offers: &str, read: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufStream::new(stream);
    let mut reply = "220 mail.example ESMTP".to_owned();
    loop {
        let sent = stream.write_all(format!("{reply}\r\n").as_bytes()).await;
        if sent.is_err() || stream.flush().await.is_err() {
            return;
        }
        let mut line = Vec::new();
        if !matches!(stream.read_until(b'\n', &mut line).await, Ok(1..)) {
            return;
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        reply = match line.split(' ').next() {
            Some("EHLO") => format!("250-mail.example\r\n{offers}250 8BITMIME"),
            Some("AUTH") => "235 2.7.0 Welcome".to_owned(),
            Some("STARTTLS") => "220 Ready".to_owned(),
            _ => "250 OK".to_owned(),
        };
        read.lock().unwrap().push(line);
    }
}

async fn send(url: String) -> Error {
    let from = "bellwether@example.com".into();
    let settings = Settings { url: url.into(), from, timeout: Duration::from_secs(5) };
    let email = Email {
        to: "operator@example.com".into(),
        subject: "s".into(),
        body: "b".into(),
        message_id: "1@bellwether.example".into(),
    };
    Smtp::new(&settings).unwrap().send(&email, &Free).await.unwrap_err()
}

#[tokio::test]
async fn a_server_without_starttls_is_sent_no_password() {
    let (port, lines) = server("250-AUTH PLAIN LOGIN\r\n").await;
    let error = send(format!("smtp://boss:hunter2secret@{ELSEWHERE}:{port}")).await;
    assert!(matches!(&error, Error::Refused { reason, .. } if reason == "not_supported"));
    assert!(error.to_string().contains("STARTTLS"), "{error}");
    let lines = lines.lock().unwrap().clone();
    assert!(matches!(&lines[..], [hello] if hello.starts_with("EHLO ")), "{lines:?}");
}

#[tokio::test]
async fn a_server_that_breaks_starttls_is_sent_no_password() {
    let (port, lines) = server("250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n").await;
    let error = send(format!("smtp://boss:hunter2secret@{ELSEWHERE}:{port}")).await;
    assert_eq!(error.class(), "transient", "{error}");
    let lines = lines.lock().unwrap().clone();
    assert_eq!(lines[1], "STARTTLS");
    assert!(!lines.iter().any(|line| line.starts_with("AUTH")), "{lines:?}");
}

#[tokio::test]
async fn the_sandbox_offers_no_tls_and_gets_no_login_under_another_name() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let port = sandbox.smtp.unwrap().port();
    let error = send(format!("smtp://boss:hunter2secret@{ELSEWHERE}:{port}")).await;
    assert!(error.to_string().contains("STARTTLS"), "{error}");
    let client = bellwether_testing::http_client().no_proxy().build().unwrap();
    let url = format!("{}/_sandbox/ledger?provider=smtp", sandbox.url());
    let ledger: serde_json::Value = client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(ledger["items"], serde_json::json!([]));
}
