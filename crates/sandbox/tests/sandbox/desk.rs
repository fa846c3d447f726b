//! A running sandbox and a client at it.

use bellwether_sandbox::{Options, Running, Sandbox};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) client: Client,
}

/// Monday, 23 November 2026, an hour after the bell.
pub(crate) const OPEN: &str = "2026-11-23T15:30:00Z";

pub(crate) async fn open() -> Desk {
    at(OPEN, 42).await
}

pub(crate) async fn at(now: &str, seed: u64) -> Desk {
    let now = now.parse().expect("a time");
    start(Options { seed, now: Some(now), ..Options::default() }).await
}

pub(crate) async fn start(options: Options) -> Desk {
    let running = Sandbox::start(options).await.expect("free ports");
    Desk { running, client: bellwether_testing::http_client().build().expect("a client") }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        Self { status, text: response.text().await.unwrap_or_default() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Desk {
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.expect("an answer")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path))).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.client.post(self.url(path)).json(&body)).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    pub(crate) async fn control(&self, what: &str, body: Value) -> Value {
        let answer = self.post(&format!("/_sandbox/{what}"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn faults(&self, list: Value) {
        self.control("faults", list).await;
    }

    pub(crate) async fn advance(&self, by: &str) {
        self.control("clock", json!({"advance": by})).await;
    }

    /// Stops the clock: all that follows is of one instant.
    pub(crate) async fn stop_clock(&self) {
        self.control("clock", json!({"stopped": true})).await;
    }

    /// Moves the clock to so many milliseconds after the first request in the ledger.
    pub(crate) async fn advance_to(&self, after_first: i64) {
        let ledger = self.get("/_sandbox/ledger").await.json();
        let time = |value: &Value| {
            let text = value.as_str().expect("a time");
            chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis()
        };
        let by = time(&ledger["items"][0]["time"]) + after_first - time(&ledger["now"]);
        self.control("clock", json!({"advance": by as f64 / 1e3})).await;
    }

    pub(crate) async fn ledger(&self) -> Vec<Value> {
        self.get("/_sandbox/ledger").await.json()["items"].as_array().expect("a list").clone()
    }

    pub(crate) async fn outbox(&self) -> Value {
        self.get("/_sandbox/outbox").await.json()
    }

    /// Alpha Vantage with key `k`.
    pub(crate) async fn market(&self, function: &str, symbol: &str) -> Answer {
        let query = format!("function={function}&symbol={symbol}&apikey=k");
        self.get(&format!("/alphavantage/query?{query}")).await
    }

    /// A quote two seconds later, so that only the day's limit and faults matter.
    pub(crate) async fn quote(&self, symbol: &str) -> Value {
        self.advance("2s").await;
        self.market("GLOBAL_QUOTE", symbol).await.json()
    }

    pub(crate) async fn news(&self, query: &str) -> Answer {
        let url = self.url(&format!("/newsapi/v2/everything?{query}"));
        self.send(self.client.get(url).header("X-Api-Key", "k")).await
    }

    pub(crate) async fn gemini(&self, body: Value) -> Answer {
        let path = "/gemini/v1beta/models/gemini-3.5-flash-lite:generateContent";
        let request = self.client.post(self.url(path)).header("x-goog-api-key", "k");
        self.send(request.json(&body)).await
    }

    pub(crate) async fn chat(&self, body: Value) -> Answer {
        let request = self.client.post(self.url("/openai/v1/chat/completions"));
        self.send(request.bearer_auth("k").json(&body)).await
    }

    pub(crate) async fn sms(&self, form: &[(&str, &str)]) -> Answer {
        let url = self.url("/twilio/2010-04-01/Accounts/AC1/Messages.json");
        self.send(self.client.post(url).basic_auth("AC1", Some("token")).form(form)).await
    }
}
