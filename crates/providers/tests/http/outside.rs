//! A sandbox of a test's own, with each client on it.

use std::time::Duration;

use bellwether_providers::{
    Error, Free, Result, Settings,
    alpha_vantage::AlphaVantage,
    gemini::{self, Gemini},
    newsapi::{NewsApi, Page, Query},
    openai::OpenAi,
    smtp::{self, Smtp},
    twilio::{self, Twilio},
    webhook::{self, Webhook},
};
use bellwether_sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};

use crate::support::now;

pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Outside {
    running: Running,
    client: reqwest::Client,
}

impl Outside {
    pub(crate) async fn start() -> Self {
        let options = Options { now: Some(now()), ..Options::default() };
        let running = Sandbox::start(options).await.unwrap();
        Self { running, client: bellwether_testing::http_client().no_proxy().build().unwrap() }
    }

    pub(crate) fn control(&self, path: &str) -> String {
        format!("{}/_sandbox/{path}", self.running.url())
    }

    pub(crate) async fn fault(&self, fault: &str) {
        let (id, mode) = fault.split_once('/').unwrap_or((fault, ""));
        let mut setting = json!({"id": id, "count": 1});
        if !mode.is_empty() {
            setting["mode"] = json!(mode);
        }
        let request = self.client.post(self.control("faults")).json(&json!([setting]));
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{fault}: {}", response.text().await.unwrap());
    }

    /// Stops the clock: all that follows is of one instant.
    pub(crate) async fn stop_clock(&self) {
        let request = self.client.post(self.control("clock")).json(&json!({"stopped": true}));
        request.send().await.unwrap().error_for_status().unwrap();
    }

    pub(crate) async fn outbox(&self) -> Value {
        self.client.get(self.control("outbox")).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) fn settings(&self, path: &str) -> Settings {
        Settings {
            base_url: format!("{}{path}", self.running.url()).parse().unwrap(),
            key: "a-good-key".into(),
            timeout: TIMEOUT,
        }
    }

    /// A new client each time, so that no call waits for the pace of the last client.
    pub(crate) fn market(&self) -> AlphaVantage {
        AlphaVantage::new(&self.settings("/alphavantage")).unwrap()
    }

    pub(crate) fn news(&self) -> NewsApi {
        NewsApi::new(&self.settings("/newsapi")).unwrap()
    }

    pub(crate) fn gemini(&self) -> Gemini {
        Gemini::new(&self.settings("/gemini"), gemini::DEFAULT_MODEL).unwrap()
    }

    pub(crate) fn openai(&self) -> OpenAi {
        OpenAi::new(&self.settings("/openai/v1"), "llama3").unwrap()
    }

    pub(crate) fn twilio(&self) -> Twilio {
        Twilio::new(&twilio::Settings {
            base_url: self.settings("/twilio").base_url,
            account_sid: "AC00000000000000000000000000000001".into(),
            auth_token: "a-good-token".into(),
            from: "+15005550006".into(),
            timeout: TIMEOUT,
        })
        .unwrap()
    }

    pub(crate) fn smtp(&self, login: &str) -> Smtp {
        let url = format!("smtp://{login}{}", self.running.smtp.unwrap()).into();
        let from = "Bellwether <bellwether@example.com>".into();
        Smtp::new(&smtp::Settings { url, from, timeout: TIMEOUT }).unwrap()
    }

    pub(crate) fn webhook(&self) -> Webhook {
        let url = format!("{}/webhook/hooks", self.running.url()).into();
        Webhook::new(&webhook::Settings { url, timeout: TIMEOUT }).unwrap()
    }

    pub(crate) async fn find(&self, query: &Query) -> Result<Page> {
        self.news().everything(query, now(), &Free).await
    }
}

/// The class of a result with its particulars, short enough for a table.
pub(crate) fn verdict<T: std::fmt::Debug>(result: &Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(Error::Throttled { scope, .. }) => format!("throttled {scope}"),
        Err(Error::Stopped { reason, .. }) => format!("stopped {reason}"),
        Err(Error::Refused { reason, .. }) => format!("refused {reason}"),
        Err(Error::Unusable { reason, .. }) => format!("unusable {reason}"),
        Err(error) => error.class().into(),
    }
}
