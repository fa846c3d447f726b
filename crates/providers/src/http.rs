//! The one HTTP client: bounded in time and size, no redirects, no retries, no secret in an error.

mod redact;
mod wait;

use std::{error::Error as _, fmt, time::Duration};

use chrono::{DateTime, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Method, RequestBuilder, header};
use secrecy::SecretString;
use tokio::{sync::Semaphore, time::Instant};
use url::{Host, Url};

pub use redact::redact;
pub use wait::{LONGEST_WAIT, retry_after};
pub(crate) use wait::{length, seconds, told};

use crate::{
    call,
    error::{ConfigError, Error, Result, Scope, StopReason},
    permit::Permit,
};

/// More than any answer we ask for; beyond it the rest is not read.
pub const BODY_CAP: usize = 5 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests of this process under way at one provider.
const CONNECTIONS: usize = 16;
const USER_AGENT: &str = concat!("bellwether/", env!("CARGO_PKG_VERSION"));

/// The part of an answer that verdicts are made of.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// When a window that is used up is free again, where the headers say so.
    pub(crate) reset: Option<Duration>,
    /// When the provider says it answered, by its own clock.
    pub(crate) date: Option<DateTime<Utc>>,
    pub(crate) body: String,
    pub(crate) latency: Duration,
}

/// What it means when a request left and its answer did not arrive whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Asking again does no harm.
    Repeatable,
    /// It may have been carried out.
    Ambiguous,
}

/// A client for one provider: its base address, its pace, its connections, and the secrets its
/// errors must not show. Pace and connections hold a process below what it was granted; they grant
/// nothing.
pub(crate) struct Http {
    provider: &'static str,
    key: String,
    client: reqwest::Client,
    base: Url,
    secrets: Vec<SecretString>,
    pace: DefaultDirectRateLimiter,
    connections: Semaphore,
}

/// An address can be a password, so only the name is shown.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Http {
    /// `key` is the limit key that verdicts name; `every` spaces the
    /// requests of this process, below what permits allow.
    pub(crate) fn new(
        provider: &'static str,
        key: impl Into<String>,
        base: &Url,
        timeout: Duration,
        secrets: Vec<SecretString>,
        every: Duration,
    ) -> Result<Self, ConfigError> {
        let refuse = |problem: &str| ConfigError { setting: provider, problem: problem.into() };
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(refuse("the base address is not an http or https address"));
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(CONNECTIONS)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if is_loopback(base) {
            // a proxy of this machine's environment cannot reach what only this machine serves
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|_| refuse("the HTTP client cannot be built"))?;
        Ok(Self {
            provider,
            key: key.into(),
            client,
            base: base.clone(),
            secrets,
            pace: pace(every),
            connections: Semaphore::new(CONNECTIONS),
        })
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The base address with `segments` appended to its path.
    pub(crate) fn url<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("new refuses addresses that cannot be a base")
            .pop_if_empty()
            .extend(segments);
        url
    }

    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.client.request(Method::GET, url)
    }

    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.client.request(Method::POST, url)
    }

    /// Sends one request under one permit, reads the answer, and lets `decide` judge it.
    pub(crate) async fn ask<T>(
        &self,
        request: RequestBuilder,
        lost: Lost,
        permit: &impl Permit,
        decide: impl FnOnce(&Answer) -> Result<T>,
    ) -> Result<T> {
        let request =
            request.build().map_err(|error| self.refused("bad_request", &chain(error)))?;
        let _place = self.connections.acquire().await.expect("it is never closed");
        self.pace.until_ready().await;
        permit.take().await?;
        let result = call::observed(self.provider, &self.key, async {
            let answer = self.exchange(request, lost).await?;
            if (400..500).contains(&answer.status) {
                permit.rejected();
            }
            decide(&answer)
        })
        .await;
        if let Err(Error::Transient { .. } | Error::Unknown { .. }) = &result {
            permit.fault();
        }
        result
    }

    async fn exchange(&self, request: reqwest::Request, lost: Lost) -> Result<Answer> {
        let began = Instant::now();
        let mut response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Err(self.transient(&chain(error))),
            Err(error) => return Err(self.lost(lost, &chain(error))),
        };
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = text(header::DATE).and_then(wait::http_date);
        let retry_after = text(header::RETRY_AFTER).and_then(|value| match date {
            Some(date) => retry_after(value, date),
            None => seconds(value),
        });
        let reset = wait::reset(response.headers());
        let status = response.status().as_u16();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > BODY_CAP => {
                    return Err(match lost {
                        Lost::Repeatable => self.unusable("body_too_large", "more than 5 MiB"),
                        Lost::Ambiguous => self.lost(lost, "the answer has more than 5 MiB"),
                    });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if is_garbled(&error) => {
                    return Err(match lost {
                        Lost::Repeatable => self.unusable("bad_encoding", &chain(error)),
                        Lost::Ambiguous => self.lost(lost, &chain(error)),
                    });
                }
                Err(error) => return Err(self.lost(lost, &chain(error))),
            }
        }
        let body = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Answer { status, retry_after, reset, date, body, latency: began.elapsed() })
    }

    fn lost(&self, lost: Lost, detail: &str) -> Error {
        match lost {
            Lost::Repeatable => self.transient(detail),
            Lost::Ambiguous => self.unknown(detail),
        }
    }

    pub(crate) fn throttled(&self, wait: Option<Duration>, scope: Scope, detail: &str) -> Error {
        Error::Throttled { key: self.key.clone(), wait, scope, detail: self.redact(detail) }
    }

    pub(crate) fn stopped(&self, reason: StopReason, detail: &str) -> Error {
        Error::Stopped { key: self.key.clone(), reason, detail: self.redact(detail) }
    }

    pub(crate) fn refused(&self, reason: &str, detail: &str) -> Error {
        Error::Refused { reason: self.redact(reason), detail: self.redact(detail) }
    }

    pub(crate) fn unusable(&self, reason: &str, detail: &str) -> Error {
        Error::Unusable { reason: self.redact(reason), detail: self.redact(detail) }
    }

    pub(crate) fn transient(&self, detail: &str) -> Error {
        Error::Transient { detail: self.redact(detail) }
    }

    pub(crate) fn unknown(&self, detail: &str) -> Error {
        Error::Unknown { detail: self.redact(detail) }
    }

    fn redact(&self, text: &str) -> String {
        redact(text, &self.secrets)
    }
}

/// A pace for one process: one request in each period, no burst.
pub(crate) fn pace(every: Duration) -> DefaultDirectRateLimiter {
    let quota = Quota::with_period(every).expect("every module paces by more than nothing");
    RateLimiter::direct(quota)
}

/// Whether only this machine can answer there.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the bytes came whole but cannot be unpacked; a cut connection looks much the same.
fn is_garbled(error: &reqwest::Error) -> bool {
    use std::io::{
        self,
        ErrorKind::{InvalidData, InvalidInput},
    };
    let mut source = error.source();
    while let Some(cause) = source {
        let io = cause.downcast_ref::<io::Error>();
        if io.is_some_and(|io| matches!(io.kind(), InvalidData | InvalidInput)) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// An error with its causes, without the address: it may carry a key.
fn chain(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}

/// An error and what led to it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_keeps_its_path() {
        for base in ["http://127.0.0.1:1/gemini", "http://127.0.0.1:1/gemini/"] {
            let base = Url::parse(base).unwrap();
            let http =
                Http::new("x", "x", &base, CONNECT_TIMEOUT, vec![], CONNECT_TIMEOUT).unwrap();
            assert_eq!(
                http.url(["v1beta", "models", "m-1:generateContent"]).as_str(),
                "http://127.0.0.1:1/gemini/v1beta/models/m-1:generateContent"
            );
        }
        let base = Url::parse("ftp://example.com").unwrap();
        assert!(Http::new("x", "x", &base, CONNECT_TIMEOUT, vec![], CONNECT_TIMEOUT).is_err());
    }
}
