//! `/api/news/{symbol}`: articles of a symbol with their sentiment.

use std::sync::Arc;

use axum::extract::State;
use bellwether_store::summary::{self, News};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        app::Shared,
        extract::{KnownSymbol, Query},
        page::{NEWS, Page, Paging, position},
        problem::Result,
        replica::ReplicaRead,
    },
    routes::sentiment::Label,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_news))
}

#[derive(Serialize, ToSchema)]
struct Article {
    id: String,
    /// The story that it tells; articles of one story count once.
    cluster: String,
    title: String,
    description: Option<String>,
    url: String,
    /// The outlet.
    source: String,
    /// Provider that delivered the article.
    provider: String,
    published_at: DateTime<Utc>,
    first_seen_at: DateTime<Utc>,
    /// 0 (mentioned) to 1 (its subject).
    relevance: f64,
    /// Articles that tell this story, this one included.
    outlets: i64,
    /// Findings of the cleaning of its text.
    flags: Vec<String>,
    /// `null` until an analyzer has read it.
    sentiment: Option<Sentiment>,
}

/// The sentiment of an article that counts now.
#[derive(Serialize, ToSchema)]
#[schema(as = ArticleSentiment)]
struct Sentiment {
    id: String,
    /// −1 bearish to 1 bullish.
    score: f64,
    label: Label,
    /// 0 to 1.
    confidence: f64,
    #[schema(example = "lexicon/1")]
    analyzer: String,
    impact: Option<String>,
    summary: Option<String>,
    key_points: Vec<String>,
    analyzed_at: DateTime<Utc>,
}

impl From<News> for Article {
    fn from(news: News) -> Self {
        let key_points = match news.key_points {
            Some(Value::Array(points)) => {
                points.iter().filter_map(|p| p.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        };
        let sentiment = match (news.sentiment_id, news.score, news.label, news.analyzed_at) {
            (Some(id), Some(score), Some(label), Some(analyzed_at)) => Some(Sentiment {
                id: id.to_string(),
                score,
                label: label.into(),
                confidence: news.confidence.unwrap_or_default(),
                analyzer: news.analyzer.unwrap_or_default(),
                impact: news.impact,
                summary: news.summary,
                key_points,
                analyzed_at,
            }),
            _ => None,
        };
        Self {
            id: news.id.to_string(),
            cluster: news.cluster_id.to_string(),
            title: news.title,
            description: news.description,
            url: news.url,
            source: news.source,
            provider: news.provider,
            published_at: news.published_at,
            first_seen_at: news.first_seen_at,
            relevance: news.relevance,
            outlets: news.outlets,
            flags: news.flags,
            sentiment,
        }
    }
}

/// Lists articles of a symbol, newest first.
#[utoipa::path(
    get, path = "/api/news/{symbol}", tag = "product", operation_id = "listNews",
    params(("symbol" = String, Path, example = "AAPL"), Paging),
    responses((status = 200, body = Page<Article>)),
)]
async fn list_news(
    State(app): Shared,
    KnownSymbol(symbol): KnownSymbol,
    Query(paging): Query<Paging>,
) -> Result<ReplicaRead<Page<Article>>> {
    let (limit, before) = (paging.limit()?, paging.position(&NEWS)?);
    let read = app
        .read(|pool| {
            let symbol = symbol.clone();
            async move { summary::list_news(&pool, &symbol, before, limit + 1).await }
        })
        .await?;
    Ok(read.map(|news| Page::from_rows(&NEWS, news, limit, |n| position(n.published_at, n.id))))
}
