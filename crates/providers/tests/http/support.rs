//! A server that answers with given bytes, whatever it is asked: for wires, not for providers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bellwether_providers::{
    Free, Permit, PermitError, Prompt, Result, Settings, Taking, Usage,
    alpha_vantage::AlphaVantage,
    gemini::Gemini,
    newsapi::{NewsApi, Query},
    openai::OpenAi,
    twilio::{self, Twilio},
    webhook::{self, Webhook},
};
use chrono::{DateTime, Utc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// Action of the server once it has the whole request.
#[derive(Clone)]
pub(crate) enum Reply {
    Bytes(Vec<u8>),
    /// Status line and headers, then the request itself as the body.
    Echo(&'static str),
    /// Holds the connection open without an answer.
    Silence,
    /// Closes the connection.
    Nothing,
}

pub(crate) struct Wire {
    pub(crate) url: Url,
    requests: Arc<AtomicUsize>,
}

impl Wire {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, reply.clone(), Arc::clone(&counter)));
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, requests: Arc<AtomicUsize>) {
    let Some(request) = request(&mut stream).await else { return };
    requests.fetch_add(1, Ordering::SeqCst);
    match reply {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Reply::Echo(head) => {
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(b"connection: close\r\n\r\n").await;
            let _ = stream.write_all(&request).await;
        }
        Reply::Silence => {
            let _ = stream.read(&mut [0; 1]).await;
        }
        Reply::Nothing => {}
    }
}

/// One whole request: its head, and as much body as it announces.
async fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text[..end]
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
    }
}

/// An answer with a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

/// A key with everything in it that could be written in another way.
pub(crate) const KEY: &str = "S3cret/Key+with=odd%chars_0123456789";

pub(crate) fn settings(base_url: &Url, timeout: Duration) -> Settings {
    Settings { base_url: base_url.clone(), key: KEY.into(), timeout }
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn prompt() -> Prompt {
    Prompt {
        title: "Apple raises its outlook".into(),
        text: "Apple Inc. said on Friday that it expects more revenue than it did.".into(),
        symbols: vec!["AAPL".into()],
    }
}

/// One call of each provider that speaks HTTP, by name, with its value thrown away.
pub(crate) async fn call_each(
    base: &Url,
    timeout: Duration,
    permit: &dyn Permit,
) -> Vec<(&'static str, Result<()>)> {
    let settings = settings(base, timeout);
    let market = AlphaVantage::new(&settings).unwrap();
    let news = NewsApi::new(&settings).unwrap();
    let gemini = Gemini::new(&settings, "gemini-3.5-flash-lite").unwrap();
    let openai = OpenAi::new(&settings, "llama").unwrap();
    let twilio = twilio_at(base, timeout);
    let webhook = webhook_at(base, timeout);
    let query = Query { q: "apple".into(), ..Query::default() };
    let (to, payload) = ("+15005550009", serde_json::json!({"alert": 1}));
    vec![
        ("alpha_vantage", market.quote("IBM", permit).await.map(drop)),
        ("newsapi", news.everything(&query, now(), permit).await.map(drop)),
        ("gemini", gemini.read(&prompt(), permit).await.map(drop)),
        ("openai", openai.read(&prompt(), permit).await.map(drop)),
        ("twilio", twilio.send(to, "hello", "k3f9", permit).await.map(drop)),
        ("webhook", webhook.send(&payload, "episode-1", permit).await.map(drop)),
    ]
}

pub(crate) fn twilio_at(base: &Url, timeout: Duration) -> Twilio {
    Twilio::new(&twilio::Settings {
        base_url: base.clone(),
        account_sid: "AC00000000000000000000000000000001".into(),
        auth_token: KEY.into(),
        from: "+15005550006".into(),
        timeout,
    })
    .unwrap()
}

pub(crate) fn webhook_at(base: &Url, timeout: Duration) -> Webhook {
    let mut url = base.clone();
    url.set_query(Some(&format!("secret={KEY}")));
    Webhook::new(&webhook::Settings { url: url.as_str().into(), timeout }).unwrap()
}

/// Counts how often it was asked and what it was told; grants everything or nothing.
#[derive(Default)]
pub(crate) struct Counting {
    pub(crate) taken: AtomicUsize,
    pub(crate) faults: AtomicUsize,
    pub(crate) rejections: AtomicUsize,
    pub(crate) tokens: AtomicU64,
    pub(crate) refuses: bool,
}

impl Counting {
    /// Permits taken, faults, rejections, tokens.
    pub(crate) fn told(&self) -> (usize, usize, usize, u64) {
        let count = |n: &AtomicUsize| n.load(Ordering::SeqCst);
        let tokens = self.tokens.load(Ordering::SeqCst);
        (count(&self.taken), count(&self.faults), count(&self.rejections), tokens)
    }
}

impl Permit for Counting {
    fn take(&self) -> Taking<'_> {
        self.taken.fetch_add(1, Ordering::SeqCst);
        if self.refuses {
            let retry_after = Some(Duration::from_secs(7));
            let refused = PermitError { retry_after, source: "the window is full".into() };
            return Box::pin(async { Err(refused) });
        }
        Free.take()
    }

    fn used(&self, usage: Usage) {
        self.tokens.fetch_add(usage.total(), Ordering::SeqCst);
    }

    fn rejected(&self) {
        self.rejections.fetch_add(1, Ordering::SeqCst);
    }

    fn fault(&self) {
        self.faults.fetch_add(1, Ordering::SeqCst);
    }
}
