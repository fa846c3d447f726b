//! One article in, one sentiment out.
//!
//! Reads `article`; writes `sentiment` and what the story is about; leads to [`DeriveSignal`].
//! The lexicon reads every article before a model does: its reading serves while the model is
//! away, and is what the model's is measured against.

mod reading;

use std::time::Duration;

use bellwether_domain::{Symbol, lexicon, symbols::LINK};
use bellwether_providers::{self as providers, Prompt};
use bellwether_queue::{Attempt, Failure, Job, event};
use bellwether_store::{self as store, article::Article, sentiment::NewSentiment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use self::reading::{of_lexicon, of_model, text, unread};
use crate::{
    DeriveSignal, Error, Services,
    error::{USELESS_TRIES, judged},
    permit::Granted,
};

pub const QUEUE: &str = "analyzer";
/// Where readings by a model wait for its limit key.
pub const LANE: &str = "model";
/// Where readings by the lexicon wait for nothing.
const FREE_LANE: &str = "lexicon";

/// The lane of an analyzer's readings.
pub(crate) fn lane(analyzer: &str) -> &'static str {
    if analyzer == lexicon::ANALYZER { FREE_LANE } else { LANE }
}

/// Under which the operator finds when a provider will switch a model off; the note's detail is
/// that time.
pub(crate) const RETIREMENT: &str = "model_retiring";

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalyzeArticle {
    pub article: i64,
    /// `lexicon/1`, or whichever model is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analyzer: Option<String>,
}

impl Job for AnalyzeArticle {
    const KIND: &'static str = "analyze_article";
    const QUEUE: &'static str = QUEUE;
    const LANE: &'static str = LANE;
    const PRIORITY: u8 = 5;
    // a model may be away for hours; later searches bring up what is left unread after that
    const MAX_ATTEMPTS: u16 = 12;
    const TIMEOUT: Duration = Duration::from_secs(90);
    type Context = Services;

    fn unique_key(&self) -> Option<String> {
        Some(format!("article/{}/{}", self.article, self.analyzer.as_deref().unwrap_or("current")))
    }

    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::from_secs(u64::from(attempt).pow(4).min(1_800)))
    }

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

impl AnalyzeArticle {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let article = store::article::find(&cx.pool, self.article)
            .await?
            .ok_or(Error::Gone("such article"))?;
        let readings = store::sentiment::list(&cx.pool, article.id).await?;
        let is_read = |by: &str| readings.iter().any(|reading| reading.analyzer == by);

        let control = of_lexicon(&article);
        let name = cx.analyzer.name();
        if self.analyzer.as_deref() == Some(lexicon::ANALYZER) || name == lexicon::ANALYZER {
            return finish(cx, attempt, &article, &control, None).await;
        }
        if is_read(&name) {
            attempt.log(format!("{name} has read it"));
            return Ok(());
        }
        if !is_read(lexicon::ANALYZER) {
            // on its own, so that it is there however long the model takes
            let mut tx = cx.pool.begin().await?;
            keep(&mut tx, attempt, &article, &control).await?;
            tx.commit().await?;
        }

        let symbols = symbols_of(&mut *cx.pool.acquire().await?, &article).await?;
        let prompt = Prompt {
            title: article.title.clone(),
            text: text(&article),
            symbols: symbols.iter().map(ToString::to_string).collect(),
        };
        let repeats = u32::from(attempt.number() - 1).min(USELESS_TRIES.into());
        let asked = cx.analyzer.read(&prompt, repeats, &Granted(attempt)).await;
        let reading = match asked {
            Ok(Some(reading)) => {
                let retires = reading.retirement_time;
                let sentiment = of_model(cx, &article, &prompt, &reading, &control);
                return finish(cx, attempt, &article, &sentiment, retires).await;
            }
            Ok(None) => return finish(cx, attempt, &article, &control, None).await,
            // it will not read this article: the lexicon's reading stands, and people see why
            Err(providers::Error::Refused { reason, .. }) => unread(cx, &article, &prompt, &reason),
            Err(providers::Error::Unusable { reason, .. }) if attempt.number() > USELESS_TRIES => {
                unread(cx, &article, &prompt, &reason)
            }
            Err(error) => return Err(error.into()),
        };
        attempt.log(format!(
            "{name} gave no reading: {}",
            reading.blocked_reason.as_deref().unwrap_or_default()
        ));
        finish(cx, attempt, &article, &reading, None).await
    }
}

/// Keeps a reading, passes it on and completes the job.
async fn finish(
    cx: &Services,
    attempt: &Attempt,
    article: &Article,
    reading: &NewSentiment,
    retires: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<(), Error> {
    let mut tx = cx.pool.begin().await?;
    keep(&mut tx, attempt, article, reading).await?;
    if let (Some(key), true) = (cx.analyzer.key(), reading.model.is_some()) {
        store::operator::clear(&mut *tx, key).await?;
        let model = format!("model/{key}");
        match retires {
            Some(at) => {
                let at = at.format("%FT%TZ").to_string();
                if store::operator::add(&mut *tx, &model, RETIREMENT, &at).await? {
                    tracing::warn!(key, "the provider will switch this model off at {at}");
                }
            }
            None => {
                store::operator::clear(&mut *tx, &model).await?;
            }
        }
    }
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Keeps a reading that is new, and passes it on to every share of its story.
async fn keep(
    tx: &mut PgConnection,
    attempt: &Attempt,
    article: &Article,
    reading: &NewSentiment,
) -> Result<(), Error> {
    let Some(id) = store::sentiment::add(&mut *tx, reading).await? else {
        attempt.log(format!("{} has read it", reading.analyzer));
        return Ok(());
    };
    if let Some(scored) = reading.scored {
        attempt.log(format!(
            "{}: {} {:.2}, confidence {:.2}",
            reading.analyzer, scored.label, scored.score, scored.confidence
        ));
    }
    if let Some(event) = reading.event_type {
        store::cluster::set_event_type(&mut *tx, article.cluster_id, event).await?;
    }
    for symbol in symbols_of(&mut *tx, article).await? {
        event::emit(&mut *tx, "sentiment", symbol.as_str()).await?;
        if reading.scored.is_some() {
            let derive =
                DeriveSignal { symbol: Some(symbol), cause: Some(format!("sentiment/{id}")) };
            attempt.enqueue(&mut *tx, &derive).await?;
        }
    }
    Ok(())
}

/// The shares of the article's story.
async fn symbols_of(conn: &mut PgConnection, article: &Article) -> Result<Vec<Symbol>, Error> {
    let linked = store::article::list_story_symbols(conn, article.cluster_id).await?;
    Ok(linked.into_iter().filter(|(_, relevance)| *relevance >= LINK).map(|(s, _)| s).collect())
}
