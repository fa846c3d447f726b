//! Reads for the pages, which join several tables.

use bellwether_domain::{Label, Symbol};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgExecutor;

use crate::Position;
use crate::column::{Maybe, Word};

/// A watched symbol and its latest quote, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    pub symbol: Symbol,
    pub name: Option<String>,
    pub currency: String,
    pub quote_id: Option<i64>,
    pub trading_day: Option<NaiveDate>,
    pub price: Option<Decimal>,
    pub open: Option<Decimal>,
    pub high: Option<Decimal>,
    pub low: Option<Decimal>,
    pub previous_close: Option<Decimal>,
    pub volume: Option<i64>,
    pub provider: Option<String>,
    /// When this price was first seen.
    pub first_seen_at: Option<DateTime<Utc>>,
    /// When a provider last answered, with this price or another: the data's `as_of`. With the
    /// trading day it decides if the data is stale.
    pub quote_seen_at: Option<DateTime<Utc>>,
}

/// The latest quote of each watched symbol, by symbol.
pub async fn list_latest_quotes(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Latest>> {
    sqlx::query_as!(
        Latest,
        r#"select i.symbol as "symbol: Word<Symbol>", i.name, i.currency,
                  q.id as "quote_id?", q.trading_day as "trading_day?", q.price as "price?",
                  q.open, q.high, q.low, q.previous_close, q.volume, q.provider as "provider?",
                  q.first_seen_at as "first_seen_at?", i.quote_seen_at
           from instrument i
           left join lateral (
               select * from quote where quote.symbol = i.symbol
               order by quote.trading_day desc, quote.id desc limit 1
           ) q on true
           where i.watched order by i.symbol"#,
    )
    .fetch_all(db)
    .await
}

/// An article of a symbol with the reading that counts, if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub id: i64,
    pub cluster_id: i64,
    pub title: String,
    pub description: Option<String>,
    pub url: String,
    pub source: String,
    pub provider: String,
    pub published_at: DateTime<Utc>,
    pub first_seen_at: DateTime<Utc>,
    /// For the requested symbol.
    pub relevance: f64,
    pub flags: Vec<String>,
    /// Number of articles that tell this story, this one included.
    pub outlets: i64,
    pub sentiment_id: Option<i64>,
    /// Of the article itself or, failing that, of its story's representative.
    pub score: Option<f64>,
    pub label: Option<Label>,
    pub confidence: Option<f64>,
    pub analyzer: Option<String>,
    pub impact: Option<String>,
    pub summary: Option<String>,
    pub key_points: Option<serde_json::Value>,
    pub analyzed_at: Option<DateTime<Utc>>,
}

/// Articles of a symbol, newest first. `before` is `(published_at, id)` of the last one shown.
pub async fn list_news(
    db: impl PgExecutor<'_>,
    symbol: &Symbol,
    before: Option<Position>,
    limit: i64,
) -> sqlx::Result<Vec<News>> {
    sqlx::query_file_as!(
        News,
        "src/summary_list_news.sql",
        symbol.as_str(),
        before.map(|b| b.0),
        before.map(|b| b.1),
        limit,
    )
    .fetch_all(db)
    .await
}

/// Sentiment of a watched symbol's news in a window. Each story counts once.
#[derive(Clone, Debug, PartialEq)]
pub struct Mood {
    pub symbol: Symbol,
    /// Mean of the stories' scores, weighted by relevance and calibrated confidence, −1 … 1;
    /// `None` without an analysed story.
    pub score: Option<f64>,
    pub positive: i64,
    pub neutral: i64,
    pub negative: i64,
    /// Stories that no analyzer has read yet.
    pub unanalyzed: i64,
    pub last_analyzed_at: Option<DateTime<Utc>>,
}

/// The sentiment of each watched symbol over stories published in `since..=until`, by symbol.
pub async fn list_moods(
    db: impl PgExecutor<'_>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Mood>> {
    sqlx::query_file_as!(Mood, "src/summary_list_moods.sql", since, until).fetch_all(db).await
}
