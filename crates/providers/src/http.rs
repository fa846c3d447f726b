//! The one HTTP client: bounded in time and size, no redirects, no retries, no secret in an error.

mod reach;
mod redact;
mod wait;

use std::{error::Error as _, fmt, time::Duration};

use chrono::{DateTime, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::{Method, RequestBuilder, header};
use secrecy::SecretString;
use tokio::{sync::Semaphore, time::Instant};
use url::Url;

pub(crate) use reach::{Reach, shown};
pub use redact::redact;
pub(crate) use redact::remember;
pub use wait::{LONGEST_WAIT, retry_after};
pub(crate) use wait::{length, seconds, told};

use crate::{
    call,
    error::{ConfigError, Error, Result, Scope, StopReason},
    permit::Permit,
    place::Place,
    rss::Validators,
};

/// Largest body that is read; the rest is discarded.
pub const BODY_CAP: usize = 5 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Most concurrent requests of this process to one provider.
const CONNECTIONS: usize = 16;
const USER_AGENT: &str = concat!("bellwether/", env!("CARGO_PKG_VERSION"));

/// The part of an answer that decides its class.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// Time until a full window is free again, if the headers say so.
    pub(crate) reset: Option<Duration>,
    /// The time of the answer by the provider's clock.
    pub(crate) date: Option<DateTime<Utc>>,
    /// Marks for a conditional request.
    pub(crate) validators: Validators,
    pub(crate) body: String,
    pub(crate) latency: Duration,
}

impl Answer {
    /// The status and as much of the body as an error needs.
    pub(crate) fn told(&self) -> String {
        format!("HTTP {}: {}", self.status, redact::head(&self.body))
    }
}

/// Meaning of a request that was sent and whose answer did not arrive completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// A repetition is harmless.
    Repeatable,
    /// The request may have been carried out.
    Ambiguous,
}

/// A client for one provider: base address, pace, connections, and the secrets that its errors must
/// not show. Pace and connections keep a process below its grants; they grant nothing.
pub(crate) struct Http {
    provider: &'static str,
    key: String,
    client: reqwest::Client,
    base: Url,
    secrets: Vec<SecretString>,
    pace: DefaultDirectRateLimiter,
    connections: Semaphore,
}

/// An address can be a password, so only the provider's name is shown.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Http {
    /// `key` is the limit key in errors; `every` is the interval between requests of this process,
    /// below what permits allow; `reach` limits the addresses that `base` may have. No error of any
    /// client of this process shows `secrets`.
    pub(crate) fn new(
        provider: &'static str,
        key: impl Into<String>,
        base: &Url,
        timeout: Duration,
        secrets: Vec<SecretString>,
        every: Duration,
        reach: Reach,
    ) -> Result<Self, ConfigError> {
        let refuse = |problem: &str| ConfigError { setting: provider, problem: problem.into() };
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(refuse("the base address is not an http or https address"));
        }
        reach::check(provider, base, &secrets, reach)?;
        remember(&secrets);
        install_cryptography();
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(CONNECTIONS)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if reach == Reach::Receiver {
            builder = builder.dns_resolver(reach::Resolver);
        }
        if Place::of(base) == Place::Loopback {
            // a proxy from the environment cannot reach a server on this machine's loopback
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

    /// Sends one request under one permit, reads the answer, and classifies it by `decide`.
    pub(crate) async fn ask<T>(
        &self,
        request: RequestBuilder,
        lost: Lost,
        permit: &dyn Permit,
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
            Err(error) if error.is_connect() && is_local(&error) => {
                return Err(Error::Local { detail: self.redact(&chain(error)) });
            }
            Err(error) if error.is_connect() => return Err(self.transient(&chain(error))),
            Err(error) => return Err(self.lost(lost, &chain(error))),
        };
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = text(header::DATE).and_then(wait::http_date);
        let retry_after = text(header::RETRY_AFTER).and_then(|value| match date {
            Some(date) => retry_after(value, date),
            None => seconds(value),
        });
        let owned = |name| text(name).map(str::to_owned);
        let validators =
            Validators { etag: owned(header::ETAG), last_modified: owned(header::LAST_MODIFIED) };
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
        Ok(Answer { status, retry_after, reset, date, validators, body, latency: began.elapsed() })
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

/// Makes ring the process's cryptography for TLS. Every HTTP client needs it before it is built; later
/// calls change nothing.
pub fn install_cryptography() {
    // fails only if it is installed already
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Returns true if all bytes arrived and cannot be unpacked; a cut connection looks much the same.
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

/// Returns true if this machine lacks a resource for a connection: file descriptors (of the process
/// or of the system), memory, a port.
fn is_local(error: &reqwest::Error) -> bool {
    use std::io::{
        self,
        ErrorKind::{AddrNotAvailable, OutOfMemory},
    };
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return matches!(io.raw_os_error(), Some(ENFILE | EMFILE))
                || matches!(io.kind(), AddrNotAvailable | OutOfMemory);
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

    fn http(base: &Url) -> Result<Http, ConfigError> {
        Http::new("x", "x", base, CONNECT_TIMEOUT, vec![], CONNECT_TIMEOUT, Reach::Vendor)
    }

    #[test]
    fn a_base_address_keeps_its_path() {
        for base in ["http://127.0.0.1:1/gemini", "http://127.0.0.1:1/gemini/"] {
            let base = Url::parse(base).unwrap();
            assert_eq!(
                http(&base).unwrap().url(["v1beta", "models", "m-1:generateContent"]).as_str(),
                "http://127.0.0.1:1/gemini/v1beta/models/m-1:generateContent"
            );
        }
        let base = Url::parse("ftp://example.com").unwrap();
        assert!(http(&base).is_err());
    }
}
