//! RSS and Atom feeds without a key: each is polled by conditional requests, and what an answer holds
//! is read by `feed-rs`.

mod read;

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use secrecy::SecretString;
use url::Url;

use crate::{
    News,
    catalog::{Counted, Entry, Serves, TIMEOUT},
    error::{ConfigError, Error, Result, Scope},
    http::{Answer, Http, Lost, Reach},
    permit::Permit,
};

/// The name of the provider, and the beginning of each feed's limit key.
pub const NAME: &str = "rss";

pub static ENTRY: Entry = Entry {
    name: NAME,
    prefix: "RSS",
    base_url: None,
    imitation: "rss",
    plan: "1/1m",
    counted: Counted::Finish,
    timeout: TIMEOUT,
    serves: Serves::Feeds,
    off: "no feed is polled",
};

/// Feeds that are polled unless others are named: wires that publish the releases of listed companies
/// for syndication.
pub const DEFAULT_FEEDS: &str = "globenewswire=https://www.globenewswire.com/RssFeed/orgclass/1/feedTitle/GlobeNewswire%20-%20News%20about%20Public%20Companies,prnewswire=https://www.prnewswire.com/rss/news-releases-list.rss";

/// The feeds of [`DEFAULT_FEEDS`].
pub fn default_feeds() -> Vec<Feed> {
    DEFAULT_FEEDS.split(',').filter_map(|feed| feed.parse().ok()).collect()
}

/// Longest name of a feed.
const NAME_CHARS: usize = 40;
const EVERY: Duration = Duration::from_millis(500);

/// A feed and the name under which it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// `[a-z][a-z0-9-]{0,39}`
    pub name: String,
    pub url: Url,
}

impl Feed {
    /// The limit key of its polls, which is also the provider of its articles.
    pub fn key(&self) -> String {
        format!("{NAME}/{}", self.name)
    }
}

/// `NAME=ADDRESS`, or an address alone, whose host is the name then.
impl std::str::FromStr for Feed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let named = text.split_once('=').filter(|(name, _)| !name.contains([':', '/']));
        let address = named.map_or(text, |(_, address)| address).trim();
        let url = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| format!("`{text}` is not NAME=ADDRESS with an https address"))?;
        let host = || url.host_str().unwrap_or_default().trim_start_matches("www.");
        let name = match named {
            Some((name, _)) => name.trim().to_owned(),
            None => host().replace(['.', ':'], "-"),
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= NAME_CHARS
            && name.chars().all(is_plain);
        if !fits {
            return Err(format!(
                "a feed's name has 1 to {NAME_CHARS} small letters, digits and hyphens, and begins \
                 with a letter: `{name}` does not"
            ));
        }
        Ok(Self { name, url })
    }
}

/// Marks of an answer, by which the server tells whether the feed has changed since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// An answer to a poll.
#[derive(Debug, Clone, PartialEq)]
pub enum Polled {
    /// Nothing has changed since the answer of these validators.
    Unchanged,
    Changed {
        news: News,
        validators: Validators,
        /// True if the answer ended inside an item: the items before it are kept, and the next poll
        /// asks for the whole feed again.
        cut: bool,
    },
}

/// The client of one feed.
#[derive(Debug)]
pub struct Rss {
    feed: Feed,
    http: Http,
}

impl Rss {
    pub fn new(feed: Feed, timeout: Duration) -> Result<Self, ConfigError> {
        let (key, none) = (feed.key(), Vec::<SecretString>::new());
        let http = Http::new(NAME, key, &feed.url, timeout, none, EVERY, Reach::Vendor)?;
        Ok(Self { feed, http })
    }

    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Polls the feed once. `known` are the validators of the last answer that was read; `now` is our
    /// clock, for items that are dated in the future.
    pub async fn poll(
        &self,
        known: &Validators,
        now: DateTime<Utc>,
        permit: &dyn Permit,
    ) -> Result<Polled> {
        let mut request = self.http.get(self.feed.url.clone());
        if let Some(etag) = &known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(time) = &known.last_modified {
            request = request.header(IF_MODIFIED_SINCE, time);
        }
        self.http.ask(request, Lost::Repeatable, permit, |answer| self.read(answer, now)).await
    }

    fn read(&self, answer: &Answer, now: DateTime<Utc>) -> Result<Polled> {
        match classify(answer.status) {
            Class::Feed => {}
            Class::Unchanged => return Ok(Polled::Unchanged),
            class => return Err(self.error(class, answer)),
        }
        let (news, cut) = read::feed(&answer.body, now)
            .map_err(|problem| self.http.unusable(problem.reason, &problem.detail))?;
        let validators = if cut { Validators::default() } else { answer.validators.clone() };
        Ok(Polled::Changed { news, validators, cut })
    }

    fn error(&self, class: Class, answer: &Answer) -> Error {
        let detail = answer.told();
        match class {
            Class::Throttled => self.http.throttled(answer.retry_after, Scope::Unknown, &detail),
            Class::Refused(reason) => self.http.refused(reason, &detail),
            Class::Unusable(reason) => self.http.unusable(reason, &detail),
            Class::Feed | Class::Unchanged | Class::Transient => self.http.transient(&detail),
        }
    }
}

/// Class of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Feed,
    Unchanged,
    Throttled,
    Refused(&'static str),
    Unusable(&'static str),
    Transient,
}

/// Classifies an answer by its status (RFC 9110, sections 13.1.2 and 15; RFC 6585, section 4).
pub fn classify(status: u16) -> Class {
    match status {
        200..300 => Class::Feed,
        304 => Class::Unchanged,
        300..=399 => Class::Unusable("redirect"),
        401 | 403 => Class::Refused("forbidden"),
        404 | 410 => Class::Refused("no_such_feed"),
        429 => Class::Throttled,
        408 | 425 | 500.. => Class::Transient,
        _ => Class::Refused("bad_request"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_named_or_takes_the_name_of_its_host() {
        let feed = |text: &str| text.parse::<Feed>();
        let named = feed("wire=https://example.com/rss?a=b").unwrap();
        assert_eq!(
            (named.name.as_str(), named.url.as_str()),
            ("wire", "https://example.com/rss?a=b")
        );
        assert_eq!(named.key(), "rss/wire");
        assert_eq!(feed(" https://www.example.com/rss?q=1 ").unwrap().name, "example-com");
        for bad in ["wire", "Wire=https://example.com", "=https://example.com", "a=ftp://x.y", ""] {
            assert!(feed(bad).is_err(), "{bad}");
        }
        let names: Vec<_> = default_feeds().into_iter().map(|feed| feed.name).collect();
        assert_eq!(names, ["globenewswire", "prnewswire"]);
    }

    #[test]
    fn each_status_has_its_class() {
        let expected = [
            (200, Class::Feed),
            (304, Class::Unchanged),
            (302, Class::Unusable("redirect")),
            (403, Class::Refused("forbidden")),
            (410, Class::Refused("no_such_feed")),
            (429, Class::Throttled),
            (503, Class::Transient),
        ];
        for (status, class) in expected {
            assert_eq!(classify(status), class, "{status}");
        }
    }
}
