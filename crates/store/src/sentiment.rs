//! Sentiments of articles, by analyzer.

use bellwether_domain::{EventType, Label};
use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::column::{Maybe, word};

/// The four figures of a reading; a refused article has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// −1 bearish … 1 bullish.
    pub score: f64,
    pub label: Label,
    /// 0 … 1 as the analyzer states it.
    pub confidence: f64,
    /// 0 … 1, calibrated by past accuracy: the weight in a score.
    pub calibrated: f64,
}

/// A reading to add.
#[derive(Clone, Debug, Default)]
pub struct NewSentiment {
    pub article_id: i64,
    /// Names engine, model and prompt; an article has one reading by each.
    pub analyzer: String,
    /// A higher rank outranks a lower one, whatever their ages.
    pub rank: i16,
    pub model: Option<String>,
    pub model_version: Option<String>,
    pub prompt_version: Option<String>,
    pub scored: Option<Scored>,
    pub relevance: Option<f64>,
    /// bearish, neutral or bullish.
    pub impact: Option<String>,
    pub event_type: Option<EventType>,
    pub key_points: Vec<String>,
    pub summary: Option<String>,
    pub flags: Vec<String>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub latency_ms: Option<i64>,
    /// Digest of exactly what the analyzer read.
    pub input_hash: String,
    /// Reason why the model refused to read it. Required without a score.
    pub blocked_reason: Option<String>,
}

/// A reading as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentiment {
    pub id: i64,
    pub article_id: i64,
    pub cluster_id: i64,
    pub analyzer: String,
    pub rank: i16,
    pub model: Option<String>,
    pub model_version: Option<String>,
    pub prompt_version: Option<String>,
    pub score: Option<f64>,
    pub label: Option<Label>,
    pub confidence: Option<f64>,
    pub calibrated: Option<f64>,
    pub relevance: Option<f64>,
    pub impact: Option<String>,
    pub event_type: Option<EventType>,
    pub key_points: serde_json::Value,
    pub summary: Option<String>,
    pub flags: Vec<String>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub latency_ms: Option<i64>,
    pub input_hash: String,
    pub analyzed_at: DateTime<Utc>,
    pub blocked_reason: Option<String>,
    /// The reading that counted before it.
    pub replaces: Option<i64>,
}

/// Adds a reading of a stored article, unless this analyzer has read it before; `Some` is its id.
pub async fn add(db: impl PgExecutor<'_>, s: &NewSentiment) -> sqlx::Result<Option<i64>> {
    sqlx::query_file_scalar!(
        "src/sentiment_add.sql",
        s.article_id,
        s.analyzer,
        s.rank,
        s.model,
        s.model_version,
        s.prompt_version,
        s.scored.map(|x| x.score),
        s.scored.map(|x| word(&x.label)),
        s.scored.map(|x| x.confidence),
        s.scored.map(|x| x.calibrated),
        s.relevance,
        s.impact,
        s.event_type.map(|event| word(&event)),
        serde_json::Value::from(s.key_points.clone()),
        s.summary,
        &s.flags,
        s.input_tokens,
        s.output_tokens,
        s.latency_ms,
        s.input_hash,
        s.blocked_reason,
    )
    .fetch_optional(db)
    .await
}

/// Every reading of an article, best first: the first that has a score and is not quarantined
/// counts.
pub async fn list(db: impl PgExecutor<'_>, article: i64) -> sqlx::Result<Vec<Sentiment>> {
    sqlx::query_as!(
        Sentiment,
        r#"select id, article_id, cluster_id, analyzer, rank, model, model_version, prompt_version,
                  score, label as "label!: Maybe<Label>", confidence, calibrated, relevance, impact,
                  event_type as "event_type!: Maybe<EventType>", key_points, summary, flags,
                  input_tokens, output_tokens, latency_ms, input_hash, analyzed_at, blocked_reason,
                  replaces
           from sentiment where article_id = $1
           order by rank desc, analyzed_at desc, id desc"#,
        article,
    )
    .fetch_all(db)
    .await
}

/// Returns true if an analyzer has been asked about any article of a story, and has answered or
/// refused.
pub async fn is_story_read(
    db: impl PgExecutor<'_>,
    cluster: i64,
    analyzer: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from sentiment where cluster_id = $1 and analyzer = $2) as "read!""#,
        cluster,
        analyzer,
    )
    .fetch_one(db)
    .await
}

/// The sentiment of an article by one analyzer.
pub async fn find(
    db: impl PgExecutor<'_>,
    article: i64,
    analyzer: &str,
) -> sqlx::Result<Option<Sentiment>> {
    sqlx::query_as!(
        Sentiment,
        r#"select id, article_id, cluster_id, analyzer, rank, model, model_version, prompt_version,
                  score, label as "label!: Maybe<Label>", confidence, calibrated, relevance, impact,
                  event_type as "event_type!: Maybe<EventType>", key_points, summary, flags,
                  input_tokens, output_tokens, latency_ms, input_hash, analyzed_at, blocked_reason,
                  replaces
           from sentiment where article_id = $1 and analyzer = $2"#,
        article,
        analyzer,
    )
    .fetch_optional(db)
    .await
}

/// The reading of an article that counts now: highest rank, then newest.
pub async fn find_current(
    db: impl PgExecutor<'_>,
    article: i64,
) -> sqlx::Result<Option<Sentiment>> {
    sqlx::query_as!(
        Sentiment,
        r#"select id as "id!", article_id as "article_id!", cluster_id as "cluster_id!",
                  analyzer as "analyzer!", rank as "rank!", model, model_version, prompt_version,
                  score, label as "label!: Maybe<Label>", confidence, calibrated, relevance, impact,
                  event_type as "event_type!: Maybe<EventType>", key_points as "key_points!",
                  summary, flags as "flags!", input_tokens, output_tokens, latency_ms,
                  input_hash as "input_hash!", analyzed_at as "analyzed_at!", blocked_reason,
                  replaces
           from sentiment_current where article_id = $1"#,
        article,
    )
    .fetch_optional(db)
    .await
}
