//! A mail server that accepts everything and delivers nothing: mails go to the outbox.

use std::io;
use std::sync::Arc;

use axum::Router;
use base64::Engine as _;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::app::{App, Arrival, Visit};
use crate::call::Identity;
use crate::faults::{Class, known};
use crate::imitation::Imitation;
use crate::outbox::Email;

pub(crate) static IMITATION: Imitation = Imitation {
    name: "smtp",
    path: None,
    routes: Router::new,
    identify: |_| Identity::anonymous(),
    classes: &[Class::Login],
    faults: &[
        known("F85", &["451", "421", "450", "452", "550", "552", "554"], "SMTP refusal"),
        known("F86", &[], "accepted, then the connection drops without an answer"),
    ],
    limits: &[],
};

const BODY_CAP: usize = 16 << 20;
const LINE_CAP: usize = 1 << 20;

pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.stop.cancelled() => return,
        };
        let Ok((stream, peer)) = accepted else { continue };
        let app = Arc::clone(&app);
        tasks.spawn(async move {
            let stop = app.stop.clone();
            let session = Session {
                app,
                io: BufStream::new(stream),
                source: peer.ip().to_string(),
                user: None,
                from: None,
                to: Vec::new(),
            };
            tokio::select! {
                ended = session.run() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "an SMTP client left");
                    }
                }
                () = stop.cancelled() => {}
            }
        });
    }
}

struct Session {
    app: Arc<App>,
    io: BufStream<TcpStream>,
    source: String,
    user: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

/// Continuation of a connection after a command.
enum Next {
    Go,
    Close,
}

impl Session {
    async fn run(mut self) -> io::Result<()> {
        self.say("220 sandbox.local ESMTP ready").await?;
        while let Some(line) = self.line().await? {
            let line = String::from_utf8_lossy(&line).into_owned();
            let verb = line.split(' ').next().unwrap_or("").to_ascii_uppercase();
            let rest = line[verb.len().min(line.len())..].trim();
            match verb.as_str() {
                "EHLO" => {
                    self.forget();
                    let offers = "250-sandbox.local\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
                                  250-SIZE 16777216\r\n250 AUTH PLAIN";
                    self.say(offers).await?;
                }
                "HELO" => {
                    self.forget();
                    self.say("250 sandbox.local").await?;
                }
                "AUTH" => self.auth(rest).await?,
                "MAIL" => match address(rest, "FROM:") {
                    Some(from) => {
                        self.forget();
                        self.from = Some(from);
                        self.say("250 2.1.0 OK").await?;
                    }
                    None => self.say("501 5.5.4 Syntax: MAIL FROM:<address>").await?,
                },
                "RCPT" => match (&self.from, address(rest, "TO:")) {
                    (None, _) => self.say("503 5.5.1 MAIL first").await?,
                    (_, Some(to)) if !to.is_empty() => {
                        self.to.push(to);
                        self.say("250 2.1.5 OK").await?;
                    }
                    _ => self.say("501 5.5.4 Syntax: RCPT TO:<address>").await?,
                },
                "DATA" if self.to.is_empty() => self.say("503 5.5.1 RCPT first").await?,
                "DATA" => {
                    if let Next::Close = self.data().await? {
                        return Ok(());
                    }
                }
                "RSET" => {
                    self.forget();
                    self.say("250 2.0.0 OK").await?;
                }
                "NOOP" => self.say("250 2.0.0 OK").await?,
                "VRFY" => self.say("252 2.1.5 Cannot verify").await?,
                "QUIT" => return self.say("221 2.0.0 Bye").await,
                _ => self.say("502 5.5.2 Command not recognized").await?,
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.io.write_all(reply.as_bytes()).await?;
        self.io.write_all(b"\r\n").await?;
        self.io.flush().await
    }

    /// A line without its end; `None` when the client has left.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let chunk = self.io.fill_buf().await?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(chunk.len(), |end| end + 1);
            line.extend_from_slice(&chunk[..used]);
            self.io.consume(used);
            if end.is_some() {
                break;
            }
            if line.len() > LINE_CAP {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
            }
        }
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    fn arrive(&self, method: &str, target: &str, key: Option<String>, admitted: bool) -> Arrival {
        let identity = Identity { key, admitted, ..Identity::default() };
        let visit = Visit { provider: &IMITATION, source: &self.source, method, target, identity };
        self.app.arrive(visit)
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        if !mechanism.eq_ignore_ascii_case("PLAIN") {
            return self.say("504 5.5.4 Only AUTH PLAIN").await;
        }
        let mut encoded = initial.trim().to_owned();
        if encoded.is_empty() {
            self.say("334 ").await?;
            let Some(line) = self.line().await? else { return Ok(()) };
            String::from_utf8_lossy(&line).trim().clone_into(&mut encoded);
        }
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
        let text = String::from_utf8_lossy(&decoded).into_owned();
        let mut parts = text.split('\0').skip(1);
        let (user, word) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let good = !user.is_empty() && !word.is_empty() && user != "invalid" && word != "invalid";
        let arrival = self.arrive("AUTH", "smtp AUTH PLAIN", Some(user.to_owned()), good);
        if !good || arrival.has("F87") {
            self.app.close(&arrival, Some(535), None);
            return self.say("535 5.7.8 Authentication credentials invalid").await;
        }
        self.app.close(&arrival, Some(235), None);
        self.user = Some(user.to_owned());
        self.say("235 2.7.0 Authentication successful").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        let from = self.from.clone().unwrap_or_default();
        let target = format!("smtp from=<{from}> to=<{}>", self.to.join(">,<"));
        let arrival = self.arrive("DATA", &target, self.user.clone(), true);
        if let Some(fault) = arrival.fault("F85") {
            self.app.close(&arrival, fault.mode.parse().ok(), None);
            let class = &fault.mode[..1];
            self.say(&format!("{} {class}.3.0 Refused by the sandbox", fault.mode)).await?;
            self.forget();
            return Ok(if fault.mode == "421" { Next::Close } else { Next::Go });
        }
        self.say("354 End data with <CR><LF>.<CR><LF>").await?;
        let mut raw = Vec::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(Next::Close) };
            if line == b"." {
                break;
            }
            // A leading dot was doubled on its way here.
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            raw.extend_from_slice(b"\r\n");
            if raw.len() > BODY_CAP {
                self.app.close(&arrival, Some(552), Some("refused:too_large"));
                self.say("552 5.3.4 Message too big").await?;
                return Ok(Next::Close);
            }
        }
        let raw = String::from_utf8_lossy(&raw).into_owned();
        let mail = Email {
            at: arrival.at,
            from,
            to: std::mem::take(&mut self.to),
            message_id: header(&raw, "message-id"),
            subject: header(&raw, "subject"),
            raw,
        };
        self.app.lock().outbox.email.push(mail.raw.len(), mail);
        self.forget();
        if arrival.has("F86") {
            self.app.close(&arrival, None, None);
            return Ok(Next::Close);
        }
        self.app.close(&arrival, Some(250), None);
        self.say(&format!("250 2.0.0 OK queued as {}", arrival.seq)).await?;
        Ok(Next::Go)
    }
}

/// The address in `FROM:<a@b> SIZE=1`.
fn address(rest: &str, prefix: &str) -> Option<String> {
    let head = rest.get(..prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let (address, _) = rest[prefix.len()..].trim().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

/// A header's value, with its folded lines joined.
fn header(raw: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in raw.split("\r\n").take_while(|line| !line.is_empty()) {
        if let (true, Some(value)) = (line.starts_with([' ', '\t']), &mut value) {
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        if value.is_some() {
            break;
        }
        if let Some((key, rest)) = line.split_once(':')
            && key.eq_ignore_ascii_case(name)
        {
            value = Some(rest.trim().to_owned());
        }
    }
    value
}
