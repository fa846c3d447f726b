//! Seams of the providers: sources of prices and news, analyzers of articles, channels of messages.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Article, Permit, Price, Prompt, Reading, error::Result};

/// A call under way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Extent of the daily bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The newest 100 days.
    Compact,
    /// All days, which most plans do not include.
    Full,
}

/// The latest trading day of a symbol. `trading_day`, a date in the exchange's zone, is the only
/// time in an answer.
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

/// A source of prices.
pub trait QuoteSource: fmt::Debug + Send + Sync {
    /// The limit key, which is also the provider's name.
    fn key(&self) -> &'static str;

    /// The latest quote. An unknown symbol is refused.
    fn quote<'a>(&'a self, symbol: &'a str, permit: &'a dyn Permit) -> Pending<'a, Quote>;

    /// Daily bars, oldest first.
    fn daily<'a>(
        &'a self,
        symbol: &'a str,
        depth: Depth,
        permit: &'a dyn Permit,
    ) -> Pending<'a, Vec<Bar>>;
}

/// Articles of one answer of a source.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct News {
    pub stories: Vec<Story>,
    /// Articles left out, by reason: `removed`, `no_title`, `no_url`, `undated`, `future`,
    /// `malformed`.
    pub dropped: BTreeMap<&'static str, u32>,
}

/// An article with the scores of its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub article: Article,
    /// −1 bearish … 1 bullish for the market as a whole; `None` if missing or invalid.
    pub overall: Option<f64>,
    /// The valid ones.
    pub opinions: Vec<Opinion>,
}

impl From<Article> for Story {
    fn from(article: Article) -> Self {
        Self { article, overall: None, opinions: Vec::new() }
    }
}

/// The source's own score of a story for one ticker.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// As the provider writes it, which may be a currency.
    pub ticker: String,
    /// 0..=1
    pub relevance: f64,
    /// -1..=1
    pub score: f64,
}

/// A source of news.
pub trait NewsSource: fmt::Debug + Send + Sync {
    /// The limit key, which is also the provider's name.
    fn key(&self) -> &'static str;

    /// Articles about a subject since an instant, newest first: the terms of a search, or one of
    /// [`NewsSource::topics`]. `now` is our clock, for articles that are dated in the future.
    fn news<'a>(
        &'a self,
        subject: &'a str,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        permit: &'a dyn Permit,
    ) -> Pending<'a, News>;

    /// The topics of a feed, the widest first; a source that searches has none.
    fn topics(&self) -> &'static [&'static str] {
        &[]
    }

    /// The name of the source's own scores among the analyzers, if it has any.
    fn scorer(&self) -> Option<&'static str> {
        None
    }
}

/// A model that reads articles.
pub trait Analyzer: fmt::Debug + Send + Sync {
    /// The limit key, `provider/model`.
    fn key(&self) -> &str;

    fn model(&self) -> &str;

    fn price(&self) -> Price;

    /// Reads one article. After `repeats` unusable answers it allows twice the tokens and tells the
    /// model that its last answer did not fit.
    fn read<'a>(
        &'a self,
        prompt: &'a Prompt,
        repeats: u32,
        permit: &'a dyn Permit,
    ) -> Pending<'a, Reading>;
}

/// One message to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The same as JSON, for receivers that are programs.
    pub payload: Value,
    /// The same for every repetition, and unique to this installation.
    pub identity: String,
    /// Marks this try.
    pub nonce: String,
}

/// A channel of messages.
pub trait Channel: fmt::Debug + Send + Sync {
    /// The limit key.
    fn key(&self) -> &'static str;

    /// Sends a message; returns the provider's id of it.
    fn send<'a>(&'a self, message: &'a Message, permit: &'a dyn Permit) -> Pending<'a, String>;

    /// Looks for a message that may have been sent; returns the provider's id of it. `None` also
    /// from a channel that cannot look: its receiver merges repetitions.
    fn find<'a>(
        &'a self,
        to: &'a str,
        since: DateTime<Utc>,
        nonce: &'a str,
        permit: &'a dyn Permit,
    ) -> Pending<'a, Option<String>> {
        let _ = (to, since, nonce, permit);
        Box::pin(async { Ok(None) })
    }
}

/// Connected sources, each list in order of preference.
#[derive(Debug, Default)]
pub struct Sources {
    pub quotes: Vec<Arc<dyn QuoteSource>>,
    /// Sources that search for companies.
    pub searches: Vec<Arc<dyn NewsSource>>,
    /// Sources that publish articles by topic.
    pub feeds: Vec<Arc<dyn NewsSource>>,
}
