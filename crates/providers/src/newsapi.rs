//! NewsAPI: articles about a query, and counts of withdrawn, misdated and invalid ones.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

pub use crate::article::Article;

use crate::{
    News, NewsSource, Pending, Settings, Sources, Story,
    article::{CLOCK_TOLERANCE, address, text},
    catalog::{Counted, Entry, Serves, TIMEOUT},
    error::{ConfigError, Error, Result, Scope, StopReason},
    http::{Answer, Http, Lost, Reach},
    permit::Permit,
};

const KEY: &str = "newsapi";

pub static ENTRY: Entry = Entry {
    name: KEY,
    prefix: "NEWSAPI",
    base_url: Some("https://newsapi.org"),
    imitation: "newsapi",
    plan: "50/12h",
    counted: Counted::Finish,
    timeout: TIMEOUT,
    serves: Serves::News(connect),
    off: "no articles are scraped",
};

/// Most results of a page and, on the free plan, of a query.
pub const PAGE_SIZE: u8 = 100;
/// Longest query that the provider accepts, in characters.
const MAX_QUERY_CHARS: usize = 500;
const EVERY: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct NewsApi {
    http: Http,
    key: SecretString,
}

/// A search. `q` takes quotes, AND, OR, NOT and parentheses, up to 500 characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    pub q: String,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// Two letters; `None` means any.
    pub language: Option<String>,
    /// From 1; 0 means the first too.
    pub page: u16,
    /// 1 to 100; 0 means 100.
    pub page_size: u8,
}

/// One page, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub articles: Vec<Article>,
    /// Articles left out, by reason: `removed`, `no_title`, `no_url`, `undated`, `future`,
    /// `malformed`.
    pub dropped: BTreeMap<&'static str, u32>,
    /// Matches that the provider knows, which may be more than it returns.
    pub total: u64,
}

fn connect(settings: &Settings, sources: &mut Sources) -> Result<(), ConfigError> {
    sources.searches.push(Arc::new(NewsApi::new(settings)?));
    Ok(())
}

impl NewsSource for NewsApi {
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
        Box::pin(async move {
            let query = Query {
                q: subject.to_owned(),
                from: Some(since),
                language: Some("en".to_owned()),
                ..Query::default()
            };
            let page = self.everything(&query, now, permit).await?;
            let stories = page.articles.into_iter().map(Story::from).collect();
            Ok(News { stories, dropped: page.dropped })
        })
    }
}

impl NewsApi {
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let key = settings.key.clone();
        let (base, secrets) = (&settings.base_url, vec![key.clone()]);
        let http = Http::new(KEY, KEY, base, settings.timeout, secrets, EVERY, Reach::Vendor)?;
        Ok(Self { http, key })
    }

    /// `everything`, one page. `now` is our clock, for articles that are dated in the future.
    pub async fn everything(
        &self,
        query: &Query,
        now: DateTime<Utc>,
        permit: &dyn Permit,
    ) -> Result<Page> {
        if query.q.is_empty() || query.q.chars().count() > MAX_QUERY_CHARS {
            return Err(self.http.refused("bad_query", "q must have 1 to 500 characters"));
        }
        let mut key = HeaderValue::from_str(self.key.expose_secret())
            .map_err(|_| self.http.stopped(StopReason::BadKey, "the key cannot be a header"))?;
        key.set_sensitive(true);
        let page_size = if query.page_size == 0 { PAGE_SIZE } else { query.page_size };
        let mut request =
            self.http.get(self.http.url(["v2", "everything"])).header("X-Api-Key", key).query(&[
                ("q", query.q.as_str()),
                ("sortBy", "publishedAt"),
                ("pageSize", &page_size.min(PAGE_SIZE).to_string()),
                ("page", &query.page.max(1).to_string()),
            ]);
        for (name, time) in [("from", query.from), ("to", query.to)] {
            if let Some(time) = time {
                request = request.query(&[(name, time.to_rfc3339_opts(SecondsFormat::Secs, true))]);
            }
        }
        if let Some(language) = &query.language {
            request = request.query(&[("language", language)]);
        }
        self.http.ask(request, Lost::Repeatable, permit, |answer| self.page(answer, now)).await
    }

    fn page(&self, answer: &Answer, now: DateTime<Utc>) -> Result<Page> {
        let detail = answer.body.as_str();
        match classify(answer.status, detail) {
            Class::Articles => {}
            class => return Err(self.error(class, answer)),
        }
        let odd = |error: serde_json::Error| self.http.unusable("schema_drift", &error.to_string());
        let raw: RawPage = serde_json::from_str(detail).map_err(odd)?;
        Ok(sift(raw, now))
    }

    fn error(&self, class: Class, answer: &Answer) -> Error {
        let detail = answer.body.as_str();
        match class {
            Class::Articles => self.http.unusable("schema_drift", detail),
            Class::Throttled(scope) => self.http.throttled(answer.retry_after, scope, detail),
            Class::BadKey => self.http.stopped(StopReason::BadKey, detail),
            Class::Refused(reason) => self.http.refused(reason, detail),
            Class::Unusable(reason) => self.http.unusable(reason, detail),
            Class::Transient => self.http.transient(&answer.told()),
        }
    }
}

/// Class of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Articles,
    Throttled(Scope),
    BadKey,
    Refused(&'static str),
    Unusable(&'static str),
    Transient,
}

/// Classifies an answer by its `code` first: the status for each code is not documented.
pub fn classify(status: u16, body: &str) -> Class {
    let answer: Option<Value> = serde_json::from_str(body).ok();
    let text = |name: &str| answer.as_ref().and_then(|a| a.get(name)).and_then(Value::as_str);
    let message = text("message").unwrap_or_default().to_lowercase();
    match text("code").unwrap_or_default() {
        "apiKeyMissing" | "apiKeyInvalid" | "apiKeyDisabled" => Class::BadKey,
        "apiKeyExhausted" => Class::Throttled(Scope::Day),
        "rateLimited" if message.contains("hour") => Class::Throttled(Scope::Day),
        "rateLimited" if message.contains("minute") => Class::Throttled(Scope::Minute),
        "rateLimited" if message.contains("second") => Class::Throttled(Scope::Burst),
        "rateLimited" => Class::Throttled(Scope::Unknown),
        "maximumResultsReached" => Class::Refused("maximum_results"),
        "parameterInvalid" if message.contains("too far in the past") => {
            Class::Refused("too_far_in_past")
        }
        "parameterInvalid" | "parametersMissing" | "sourcesTooMany" | "sourceDoesNotExist"
        | "corsNotAllowed" => Class::Refused("bad_request"),
        "unexpectedError" => Class::Transient,
        _ => match status {
            200..300 if text("status") == Some("ok") => Class::Articles,
            200..300 if body.trim_start().starts_with('<') => Class::Unusable("html"),
            200..300 => Class::Unusable("schema_drift"),
            300..=399 => Class::Unusable("redirect"),
            401 => Class::BadKey,
            403 => Class::Unusable("forbidden"),
            408 | 500.. => Class::Transient,
            426 => Class::Refused("maximum_results"),
            429 => Class::Throttled(Scope::Unknown),
            _ => Class::Refused("bad_request"),
        },
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPage {
    total_results: u64,
    articles: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawArticle {
    source: Option<RawSource>,
    author: Option<String>,
    title: Option<String>,
    description: Option<String>,
    url: Option<String>,
    published_at: Option<String>,
    content: Option<String>,
}

#[derive(Deserialize)]
struct RawSource {
    name: Option<String>,
}

/// Keeps articles with a text and a date; counts the rest by reason.
fn sift(raw: RawPage, now: DateTime<Utc>) -> Page {
    let mut page =
        Page { articles: Vec::new(), dropped: BTreeMap::new(), total: raw.total_results };
    for value in raw.articles {
        match read(value, now) {
            Ok(article) => page.articles.push(article),
            Err(reason) => *page.dropped.entry(reason).or_default() += 1,
        }
    }
    page
}

fn read(value: Value, now: DateTime<Utc>) -> Result<Article, &'static str> {
    let raw: RawArticle = serde_json::from_value(value).map_err(|_| "malformed")?;
    let source = raw.source.and_then(|source| text(source.name));
    let title = text(raw.title);
    let url = text(raw.url);
    let withdrawn = title.as_deref() == Some("[Removed]")
        || source.as_deref() == Some("[Removed]")
        || url.as_deref().is_some_and(|url| url.trim_end_matches('/') == "https://removed.com");
    if withdrawn {
        return Err("removed");
    }
    let title = title.ok_or("no_title")?;
    let url = address(url.as_deref()).ok_or("no_url")?;
    let published_at = raw
        .published_at
        .and_then(|time| DateTime::parse_from_rfc3339(time.trim()).ok())
        .ok_or("undated")?
        .to_utc();
    if published_at > now + CLOCK_TOLERANCE {
        return Err("future");
    }
    Ok(Article {
        source,
        author: text(raw.author),
        title,
        description: text(raw.description),
        url,
        published_at,
        content: text(raw.content),
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn what_cannot_be_read_or_dated_is_dropped_and_counted() {
        let raw = serde_json::from_str(include_str!("../tests/fixtures/newsapi/everything.json"));
        let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).unwrap();
        let page = sift(raw.unwrap(), now);
        let titles: Vec<_> = page.articles.iter().map(|a| a.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "Apple raises its outlook",
                "A clock that runs three minutes ahead",
                "A title with a NUL"
            ]
        );
        let expected = [
            ("future", 1),
            ("malformed", 1),
            ("no_title", 1),
            ("no_url", 2),
            ("removed", 2),
            ("undated", 3),
        ];
        assert_eq!(page.dropped, BTreeMap::from(expected));
        assert_eq!(page.total, 6502);
        assert_eq!(page.articles[0].source.as_deref(), Some("Reuters"));
        assert_eq!(page.articles[2].source, None);
        let half_past_two = Utc.with_ymd_and_hms(2026, 11, 20, 14, 30, 0).unwrap();
        assert_eq!(page.articles[2].published_at, half_past_two);
    }
}
