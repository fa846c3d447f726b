//! Alpha Vantage: the latest quote and the last hundred days. Every error arrives with HTTP 200.

mod answer;
mod feed;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

pub use answer::{Class, classify};
use feed::TOPICS;

use crate::{
    News, NewsSource, Pending, QuoteSource, Settings, Sources,
    catalog::{Counted, Entry, Serves, TIMEOUT},
    error::{ConfigError, Error, Result, StopReason},
    http::{Answer, Http, Lost, Reach},
    permit::Permit,
};

pub use crate::source::{Bar, Depth, Quote};

const KEY: &str = "alpha_vantage";

pub static ENTRY: Entry = Entry {
    name: KEY,
    prefix: "ALPHA_VANTAGE",
    base_url: Some("https://www.alphavantage.co"),
    imitation: "alphavantage",
    // arrivals at the provider jitter, so a second is counted a little longer here
    plan: "1/1200ms, 25/25h",
    counted: Counted::Finish,
    timeout: TIMEOUT,
    serves: Serves::Market(connect),
    off: "no prices are scraped",
};

/// Interval between two requests: one a second is allowed, and arrivals jitter.
const EVERY: Duration = Duration::from_millis(1200);

/// Time for which a plan's refusal of full histories is remembered.
const REMEMBERED: Duration = Duration::from_hours(24);

#[derive(Debug)]
pub struct AlphaVantage {
    http: Http,
    key: SecretString,
    /// Time of the last refusal of full histories by the plan.
    compact_since: Mutex<Option<Instant>>,
}

fn connect(settings: &Settings, sources: &mut Sources) -> Result<(), ConfigError> {
    let client = Arc::new(AlphaVantage::new(settings)?);
    sources.quotes.push(client.clone());
    sources.feeds.push(client);
    Ok(())
}

impl QuoteSource for AlphaVantage {
    fn key(&self) -> &'static str {
        KEY
    }

    fn quote<'a>(&'a self, symbol: &'a str, permit: &'a dyn Permit) -> Pending<'a, Quote> {
        Box::pin(self.quote(symbol, permit))
    }

    fn daily<'a>(
        &'a self,
        symbol: &'a str,
        depth: Depth,
        permit: &'a dyn Permit,
    ) -> Pending<'a, Vec<Bar>> {
        Box::pin(self.daily(symbol, depth, permit))
    }
}

impl NewsSource for AlphaVantage {
    fn key(&self) -> &'static str {
        KEY
    }

    fn news<'a>(
        &'a self,
        subject: &'a str,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        permit: &'a dyn Permit,
    ) -> Pending<'a, News> {
        Box::pin(self.news(subject, since, now, permit))
    }

    fn topics(&self) -> &'static [&'static str] {
        &TOPICS
    }

    fn scorer(&self) -> Option<&'static str> {
        Some("alphavantage/1")
    }
}

impl AlphaVantage {
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let key = settings.key.clone();
        let (base, secrets) = (&settings.base_url, vec![key.clone()]);
        let http = Http::new(KEY, KEY, base, settings.timeout, secrets, EVERY, Reach::Vendor)?;
        Ok(Self { http, key, compact_since: Mutex::default() })
    }

    /// `GLOBAL_QUOTE`. An unknown symbol is refused.
    pub async fn quote(&self, symbol: &str, permit: &dyn Permit) -> Result<Quote> {
        let request = self.request("GLOBAL_QUOTE", symbol);
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                let data = self.data(answer, "Global Quote")?;
                answer::quote(&data, symbol).map_err(|field| self.odd(&field))
            })
            .await
    }

    /// `TIME_SERIES_DAILY`, oldest first. Where the plan turns out not to include full histories,
    /// a second request under a second permit asks for the compact one, and so do later calls for
    /// 24 h.
    pub async fn daily(&self, symbol: &str, depth: Depth, permit: &dyn Permit) -> Result<Vec<Bar>> {
        if depth == Depth::Full && !self.is_known_compact() {
            match self.series(symbol, "full", permit).await {
                Err(Error::Refused { reason, .. }) if reason == answer::ENTITLEMENT_PARAM => {
                    *self.compact_since() = Some(Instant::now());
                }
                answered => return answered,
            }
        }
        self.series(symbol, "compact", permit).await
    }

    async fn series(&self, symbol: &str, size: &str, permit: &dyn Permit) -> Result<Vec<Bar>> {
        let request = self.request("TIME_SERIES_DAILY", symbol).query(&[("outputsize", size)]);
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                let data = self.data(answer, "Time Series (Daily)")?;
                answer::bars(&data).map_err(|field| self.odd(&field))
            })
            .await
    }

    fn compact_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.compact_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_known_compact(&self) -> bool {
        self.compact_since().is_some_and(|since| since.elapsed() < REMEMBERED)
    }

    /// `NEWS_SENTIMENT` about one of [`NewsSource::topics`] since `from`, newest first: up to a thousand
    /// stories about any symbols, so one request serves a whole watchlist. `now` is our clock, for
    /// stories that are dated in the future.
    pub async fn news(
        &self,
        topic: &str,
        from: DateTime<Utc>,
        now: DateTime<Utc>,
        permit: &dyn Permit,
    ) -> Result<News> {
        let from = from.format("%Y%m%dT%H%M").to_string();
        let request = self.http.get(self.http.url(["query"])).query(&[
            ("function", "NEWS_SENTIMENT"),
            ("topics", topic),
            ("time_from", from.as_str()),
            ("sort", "LATEST"),
            ("limit", "1000"),
            ("apikey", self.key.expose_secret()),
        ]);
        self.http
            .ask(request, Lost::Repeatable, permit, |answer| {
                match classify(answer.status, &answer.body, "feed") {
                    Class::Data(Value::Array(stories)) => Ok(feed::sift(stories, now)),
                    Class::Data(_) => Err(self.odd("feed is not a list")),
                    class => Err(self.error(&class, answer)),
                }
            })
            .await
    }

    /// The provider expects the key in the address, so no address of this client is ever shown.
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
        match classify(answer.status, &answer.body, name) {
            Class::Data(Value::Object(data)) => Ok(data),
            class => Err(self.error(&class, answer)),
        }
    }

    fn error(&self, class: &Class, answer: &Answer) -> Error {
        let detail = answer.body.as_str();
        match class {
            Class::Data(_) => self.http.unusable("schema_drift", detail),
            Class::Throttled { scope, wait } => {
                self.http.throttled(answer.retry_after.or(*wait), *scope, detail)
            }
            Class::BadKey => self.http.stopped(StopReason::BadKey, detail),
            Class::Refused(reason) => self.http.refused(reason, detail),
            Class::Unusable(reason) => self.http.unusable(reason, detail),
            Class::Transient => self.http.transient(&answer.told()),
        }
    }
}
