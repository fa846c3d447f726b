//! `/api/sentiment-summary` and `POST /analyze`: sentiment of the news, and analysis on request.

use std::sync::Arc;

use axum::extract::State;
use bellwether_domain as domain;
use bellwether_store::{
    article,
    summary::{self, Mood},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    http::{
        actor::Actor,
        app::Shared,
        extract::{EmptyBody, OptionalBody, Query},
        page::Page,
        problem::{Problem, Result},
        replica::ReplicaRead,
        trigger::{self, Accepted, Triggered},
    },
};

/// Age from which stories are not analyzed any more: no score reads them.
const HORIZON: TimeDelta = TimeDelta::days(30);
/// Jobs in one answer; a repeated request adds the next ones.
const MOST: i64 = 500;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(sentiment_summary)).routes(routes!(analyze))
}

#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SentimentLabel)]
pub(crate) enum Label {
    Negative,
    Neutral,
    Positive,
}

impl From<domain::Label> for Label {
    fn from(label: domain::Label) -> Self {
        match label {
            domain::Label::Negative => Self::Negative,
            domain::Label::Neutral => Self::Neutral,
            domain::Label::Positive => Self::Positive,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Window {
    /// Window in hours, 1 to 168, default 24.
    #[param(minimum = 1, maximum = 168)]
    hours: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct Counts {
    positive: i64,
    neutral: i64,
    negative: i64,
    /// Stories that no analyzer has read yet.
    unanalyzed: i64,
}

#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Span {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) hours: i64,
}

/// Sentiment of a symbol's news in a window. Each story counts once.
#[derive(Serialize, ToSchema)]
pub(crate) struct SentimentSummary {
    #[schema(value_type = String, example = "AAPL")]
    symbol: domain::Symbol,
    /// −1 bearish to 1 bullish, weighted by relevance and confidence; `null` without an analysed
    /// story.
    score: Option<f64>,
    label: Option<Label>,
    counts: Counts,
    window: Span,
    last_analyzed_at: Option<DateTime<Utc>>,
}

impl SentimentSummary {
    pub(crate) fn of(mood: Mood, window: Span) -> Self {
        Self {
            symbol: mood.symbol,
            score: mood.score,
            label: mood.score.map(|score| domain::Label::of(score).into()),
            counts: Counts {
                positive: mood.positive,
                neutral: mood.neutral,
                negative: mood.negative,
                unanalyzed: mood.unanalyzed,
            },
            window,
            last_analyzed_at: mood.last_analyzed_at,
        }
    }
}

/// Lists the sentiment of each watched symbol over the last hours.
#[utoipa::path(
    get, path = "/api/sentiment-summary", tag = "product", operation_id = "listSentimentSummary",
    params(Window), responses((status = 200, body = Page<SentimentSummary>)),
)]
async fn sentiment_summary(
    State(app): Shared,
    Query(window): Query<Window>,
) -> Result<ReplicaRead<Page<SentimentSummary>>> {
    let hours = window.hours.unwrap_or(24);
    if !(1..=168).contains(&hours) {
        return Err(Problem::query("hours", "a window has 1 to 168 hours"));
    }
    let read = app
        .read(|pool| async move {
            let to = bellwether_store::now(&pool).await?;
            let window = Span { from: to - TimeDelta::hours(hours), to, hours };
            Ok((summary::list_moods(&pool, window.from, window.to).await?, window))
        })
        .await?;
    Ok(read.map(|(moods, window)| {
        Page::all(moods.into_iter().map(|mood| SentimentSummary::of(mood, window)).collect())
    }))
}

/// Adds a job for each story that the analyzer has not read, the newest 500.
#[utoipa::path(
    post, path = "/analyze", tag = "pipeline", operation_id = "analyze",
    request_body = Option<EmptyBody>,
    responses((status = 202, body = Triggered)),
)]
async fn analyze(
    State(app): Shared,
    actor: Actor,
    OptionalBody(EmptyBody {}): OptionalBody<EmptyBody>,
) -> Result<Accepted> {
    let now = bellwether_store::now(&app.pool).await?;
    let unread = article::list_unanalyzed(&app.pool, &app.analyzer, now - HORIZON, MOST).await?;
    let jobs: Vec<_> = unread
        .into_iter()
        .map(|story| {
            let args = json!({ "article": story.id, "analyzer": app.analyzer });
            let mut job = trigger::job(&app, "analyze_article", &args)?;
            // the pipeline's own unique key, so that a waiting story gets no second job
            job.unique_key = Some(format!("{}/{}", story.cluster_id, app.analyzer));
            Ok(job)
        })
        .collect::<Result<_>>()?;
    trigger::add(&app, &actor, "pipeline.analyze", &jobs).await
}
