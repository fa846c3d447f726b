//! SMTP: sends one e-mail. The caller gives its Message-ID, so that a reader's client merges a
//! repetition.

mod address;

use std::time::Duration;

use governor::DefaultDirectRateLimiter;
use lettre::{
    Message,
    message::{Mailboxes, header::ContentType},
    transport::smtp::{
        Error as SmtpError,
        authentication::DEFAULT_MECHANISMS,
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Rcpt},
    },
};
use secrecy::SecretString;
use tokio::time::timeout;

use crate::{
    Channel, Message as Alert, Pending, call,
    catalog::{Counted, Entry, Serves, TIMEOUT},
    error::{ConfigError, Error, Result, StopReason},
    http,
    permit::Permit,
};
use address::{Security, Server};

const KEY: &str = "smtp";

pub static ENTRY: Entry = Entry {
    name: KEY,
    prefix: "SMTP",
    base_url: None,
    imitation: "",
    plan: "10/1s",
    counted: Counted::Start { guard: Duration::from_millis(500) },
    timeout: TIMEOUT,
    serves: Serves::Messages,
    off: "no mail is sent",
};

const EVERY: Duration = Duration::from_millis(200);
const GOODBYE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct Settings {
    /// `smtp://user:password@host:port` or `smtps://…`. A login to another machine, and port 587,
    /// require STARTTLS; `?tls=` changes that only without a password.
    pub url: SecretString,
    /// `Name <address>` or an address.
    pub from: String,
    /// For the connection, and again for the message.
    pub timeout: Duration,
}

#[derive(Debug)]
pub struct Smtp {
    server: Server,
    from: lettre::message::Mailbox,
    timeout: Duration,
    secrets: Vec<SecretString>,
    pace: DefaultDirectRateLimiter,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// One address or several with commas.
    pub to: String,
    pub subject: String,
    pub body: String,
    /// `local@host`, the same for every repetition.
    pub message_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub message_id: String,
    /// The server's last reply, which often names its queue entry.
    pub response: String,
}

/// Progress of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Connect,
    Authenticate,
    Envelope,
    /// The message itself has begun to be sent.
    Content,
}

/// Class of a failure at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Transient,
    Refused,
    BadKey,
    Unknown,
}

/// Classifies a failure: by the server's reply code, else the connection was lost.
pub fn classify(step: Step, code: Option<u16>) -> Class {
    match (step, code) {
        (Step::Authenticate, Some(500..600)) => Class::BadKey,
        (_, Some(500..600)) => Class::Refused,
        (_, Some(400..500)) => Class::Transient,
        (Step::Content, _) => Class::Unknown,
        _ => Class::Transient,
    }
}

impl Channel for Smtp {
    fn key(&self) -> &'static str {
        KEY
    }

    fn send<'a>(&'a self, message: &'a Alert, permit: &'a dyn Permit) -> Pending<'a, String> {
        Box::pin(async move {
            // a repeated e-mail carries the same Message-ID, so that the reader sees one
            let email = Email {
                to: message.to.clone(),
                subject: message.subject.clone(),
                body: message.text.clone(),
                message_id: format!("{}@bellwether", message.identity),
            };
            Ok(self.send(&email, permit).await?.message_id)
        })
    }
}

impl Smtp {
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let refuse = |problem: &str| ConfigError { setting: KEY, problem: problem.into() };
        let (server, secrets) = Server::parse(&settings.url).map_err(refuse)?;
        http::remember(&secrets);
        let from = settings.from.parse().map_err(|_| refuse("the sender is not an address"))?;
        Ok(Self { server, from, timeout: settings.timeout, secrets, pace: http::pace(EVERY) })
    }

    /// Sends one message. [`Error::Unknown`]: the connection was lost after the message had begun
    /// to be sent.
    pub async fn send(&self, email: &Email, permit: &dyn Permit) -> Result<Sent> {
        let message = self.compose(email)?;
        self.pace.until_ready().await;
        let connected = self.within(Step::Connect, self.connect()).await;
        if let Err(Error::Transient { .. }) = &connected {
            permit.fault();
        }
        let mut connection = connected?;
        // connecting can take longer than a permit is valid
        permit.take().await?;
        let delivered = call::observed(KEY, KEY, self.deliver(&mut connection, &message)).await;
        if let Err(Error::Unknown { .. }) = &delivered {
            // a 4yz about one message says nothing about the server, a lost connection does
            permit.fault();
        }
        let response = delivered?;
        // the server has accepted the message; the end of the session changes nothing
        let _ = timeout(GOODBYE, connection.quit()).await;
        Ok(Sent { message_id: email.message_id.clone(), response })
    }

    fn compose(&self, email: &Email) -> Result<Message> {
        let refuse = |problem: &str| self.refused("bad_request", problem);
        let id = email.message_id.trim_matches(['<', '>']);
        if !id.contains('@') || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refuse("the message id is not of the form local@host"));
        }
        let to: Mailboxes = email.to.parse().map_err(|_| refuse("the recipient is no address"))?;
        let subject: String =
            email.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut message = Message::builder().from(self.from.clone());
        for mailbox in to {
            message = message.to(mailbox);
        }
        message
            .subject(subject)
            .message_id(Some(format!("<{id}>")))
            .header(ContentType::TEXT_PLAIN)
            .body(email.body.clone())
            .map_err(|error| refuse(&error.to_string()))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection> {
        let server = &self.server;
        let tls = || {
            TlsParameters::new(server.host.clone())
                .map_err(|error| self.failed(Step::Connect, &error))
        };
        let wrapper = if server.security == Security::Wrapper { Some(tls()?) } else { None };
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (server.host.as_str(), server.port),
            Some(self.timeout),
            &server.hello,
            wrapper,
            None,
        )
        .await
        .map_err(|error| self.failed(Step::Connect, &error))?;
        let upgrade = match server.security {
            Security::StartTls => true,
            Security::Opportunistic => connection.can_starttls(),
            Security::None | Security::Wrapper => false,
        };
        if upgrade {
            connection
                .starttls(tls()?, &server.hello)
                .await
                .map_err(|error| self.failed(Step::Connect, &error))?;
        }
        if let Some(credentials) = server.credentials() {
            connection
                .auth(DEFAULT_MECHANISMS, &credentials)
                .await
                .map_err(|error| self.failed(Step::Authenticate, &error))?;
        }
        Ok(connection)
    }

    async fn deliver(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<String> {
        self.within(Step::Envelope, async {
            let failed = |error| self.failed(Step::Envelope, &error);
            let envelope = message.envelope();
            connection
                .command(Mail::new(envelope.from().cloned(), vec![]))
                .await
                .map_err(failed)?;
            for to in envelope.to() {
                connection.command(Rcpt::new(to.clone(), vec![])).await.map_err(failed)?;
            }
            connection.command(Data).await.map_err(failed)
        })
        .await?;
        let content = message.formatted();
        self.within(Step::Content, async {
            let response = connection
                .message(&content)
                .await
                .map_err(|error| self.failed(Step::Content, &error))?;
            Ok(http::redact(&response.message().collect::<Vec<_>>().join(" "), &self.secrets))
        })
        .await
    }

    async fn within<T>(&self, step: Step, work: impl Future<Output = Result<T>>) -> Result<T> {
        match timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(self.error(step, None, "timed out")),
        }
    }

    fn failed(&self, step: Step, error: &SmtpError) -> Error {
        let text = http::with_causes(error);
        if error.is_client() && step != Step::Content {
            // the server lacks a capability that the settings or the message require
            return self.refused("not_supported", &text);
        }
        self.error(step, error.status().map(u16::from), &text)
    }

    fn error(&self, step: Step, code: Option<u16>, detail: &str) -> Error {
        let detail = http::redact(detail, &self.secrets);
        match classify(step, code) {
            Class::Transient => Error::Transient { detail },
            Class::Refused => Error::Refused { reason: "rejected".into(), detail },
            Class::BadKey => Error::Stopped { key: KEY.into(), reason: StopReason::BadKey, detail },
            Class::Unknown => Error::Unknown { detail },
        }
    }

    fn refused(&self, reason: &str, detail: &str) -> Error {
        let detail = http::redact(detail, &self.secrets);
        Error::Refused { reason: reason.into(), detail }
    }
}
