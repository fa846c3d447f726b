//! Alpha Vantage: the latest quote and the last hundred days. Every error arrives with HTTP 200.

mod answer;

use std::time::Duration;

use chrono::NaiveDate;
use reqwest::RequestBuilder;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

pub use answer::{Class, classify};

use crate::{
    Settings,
    error::{ConfigError, Error, Result, StopReason},
    http::{Answer, Http, Lost},
    permit::Permit,
};

/// The limit key.
pub const KEY: &str = "alpha_vantage";
pub const BASE_URL: &str = "https://www.alphavantage.co";
/// One a second is allowed; arrivals jitter.
const EVERY: Duration = Duration::from_millis(1200);

#[derive(Debug)]
pub struct AlphaVantage {
    http: Http,
    key: SecretString,
}

/// The latest trading day of a symbol. `trading_day` is the provider's word and the only clock of
/// an answer; it is a date in the exchange's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    pub symbol: String,
    pub trading_day: NaiveDate,
    pub price: Decimal,
    pub open: Option<Decimal>,
    pub high: Option<Decimal>,
    pub low: Option<Decimal>,
    pub previous_close: Option<Decimal>,
    pub volume: Option<i64>,
}

/// One day, not adjusted for splits or dividends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    pub day: NaiveDate,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    pub volume: i64,
}

impl AlphaVantage {
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let key = settings.key.clone();
        let http =
            Http::new(KEY, KEY, &settings.base_url, settings.timeout, vec![key.clone()], EVERY)?;
        Ok(Self { http, key })
    }

    /// The limit key that this client's verdicts name.
    pub fn key(&self) -> &str {
        self.http.key()
    }

    /// `GLOBAL_QUOTE`. An unknown symbol is refused.
    pub async fn quote(&self, symbol: &str, permit: &impl Permit) -> Result<Quote> {
        let request = self.request("GLOBAL_QUOTE", symbol);
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                let data = self.data(answer, "Global Quote")?;
                answer::quote(&data, symbol).map_err(|field| self.odd(&field))
            })
            .await
    }

    /// `TIME_SERIES_DAILY`, compact: up to 100 bars, oldest first.
    pub async fn daily(&self, symbol: &str, permit: &impl Permit) -> Result<Vec<Bar>> {
        let request = self.request("TIME_SERIES_DAILY", symbol).query(&[("outputsize", "compact")]);
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                let data = self.data(answer, "Time Series (Daily)")?;
                answer::bars(&data).map_err(|field| self.odd(&field))
            })
            .await
    }

    /// The protocol wants the key in the address, so no address of this client is ever shown.
    fn request(&self, function: &str, symbol: &str) -> RequestBuilder {
        self.http.get(self.http.url(["query"])).query(&[
            ("function", function),
            ("symbol", symbol),
            ("apikey", self.key.expose_secret()),
        ])
    }

    fn odd(&self, field: &str) -> Error {
        self.http.unusable("schema_drift", field)
    }

    fn data(&self, answer: &Answer, name: &str) -> Result<Map<String, Value>> {
        let detail = answer.body.as_str();
        Err(match classify(answer.status, &answer.body, name) {
            Class::Data(data) => return Ok(data),
            Class::Throttled { scope, wait } => {
                self.http.throttled(answer.retry_after.or(wait), scope, detail)
            }
            Class::BadKey => self.http.stopped(StopReason::BadKey, detail),
            Class::Refused(reason) => self.http.refused(reason, detail),
            Class::Unusable(reason) => self.http.unusable(reason, detail),
            Class::Transient => self.http.transient(&format!("HTTP {}: {detail}", answer.status)),
        })
    }
}
