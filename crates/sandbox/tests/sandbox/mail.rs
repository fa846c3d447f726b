//! The mail server, met by a real client and by hand.

use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use crate::desk::{self, Desk};

fn mailer(desk: &Desk, word: &str) -> AsyncSmtpTransport<Tokio1Executor> {
    let addr = desk.running.smtp.expect("an SMTP port");
    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(addr.ip().to_string())
        .port(addr.port())
        .credentials(Credentials::new("user".to_owned(), word.to_owned()))
        .build()
}

fn letter(body: &str) -> Message {
    Message::builder()
        .message_id(Some("<n-1@bellwether>".to_owned()))
        .from("alerts@example.org".parse().expect("an address"))
        .to("me@example.org".parse().expect("an address"))
        .subject("AAPL fell")
        .header(ContentType::TEXT_PLAIN)
        .body(body.to_owned())
        .expect("a message")
}

#[tokio::test]
async fn a_mail_ends_in_the_outbox_as_it_was_written() {
    let desk = desk::open().await;
    let sent = mailer(&desk, "word").send(letter("first\r\n.dots stay\r\n..\r\nlast")).await;
    assert!(sent.is_ok(), "{sent:?}");
    let mail = desk.outbox().await["email"][0].clone();
    assert_eq!(mail["to"], json!(["me@example.org"]));
    assert_eq!(mail["from"], "alerts@example.org");
    assert_eq!(mail["message_id"], "<n-1@bellwether>");
    assert_eq!(mail["subject"], "AAPL fell");
    let raw = mail["raw"].as_str().expect("text");
    assert!(raw.contains("\r\n\r\nfirst\r\n.dots stay\r\n..\r\nlast"), "{raw}");
    let ledger = desk.ledger().await;
    assert_eq!(
        ledger.last().expect("an entry")["route"],
        "smtp from=<alerts@example.org> to=<me@example.org>"
    );
}

#[tokio::test]
async fn bad_credentials_are_refused() {
    let desk = desk::open().await;
    let error = mailer(&desk, "invalid").send(letter("x")).await.expect_err("refused");
    assert!(error.is_permanent(), "{error}");
    desk.faults(json!([{"id": "F87"}])).await;
    assert!(mailer(&desk, "word").send(letter("x")).await.is_err());
    assert_eq!(desk.outbox().await["email"], json!([]));
}

#[tokio::test]
async fn refusals_are_transient_or_permanent_as_told() {
    let desk = desk::open().await;
    for (mode, permanent) in [("451", false), ("421", false), ("450", false), ("550", true)] {
        desk.faults(json!([{"id": "F85", "mode": mode}])).await;
        let error = mailer(&desk, "word").send(letter("x")).await.expect_err("refused");
        assert_eq!((error.is_permanent(), error.is_transient()), (permanent, !permanent), "{mode}");
    }
    assert_eq!(desk.outbox().await["email"], json!([]));
}

#[tokio::test]
async fn a_connection_that_drops_after_the_data_has_still_delivered() {
    let desk = desk::open().await;
    desk.faults(json!([{"id": "F86"}])).await;
    let error = mailer(&desk, "word").send(letter("x")).await.expect_err("dropped");
    assert!(!error.is_permanent() && !error.is_transient(), "{error}");
    assert_eq!(desk.outbox().await["email"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn commands_out_of_order_are_answered_as_the_protocol_says() {
    let desk = desk::open().await;
    let stream = TcpStream::connect(desk.running.smtp.expect("a port")).await.expect("a stream");
    let mut stream = BufStream::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.expect("a greeting");
    assert!(line.starts_with("220 "));
    for (command, code) in [
        ("HELO me", "250"),
        ("RCPT TO:<a@b>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:a@b", "501"),
        ("MAIL FROM:<a@b> SIZE=10", "250"),
        ("RCPT TO:<c@d>", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("NOOP", "250"),
        ("WHAT", "502"),
        ("QUIT", "221"),
    ] {
        stream.write_all(format!("{command}\r\n").as_bytes()).await.expect("sent");
        stream.flush().await.expect("sent");
        line.clear();
        stream.read_line(&mut line).await.expect("a reply");
        assert!(line.starts_with(code), "{command}: {line}");
    }
}
