//! One article in, one sentiment out.
//!
//! Reads `article`; writes `sentiment` and what the story is about; leads to [`DeriveSignal`].
//! The lexicon reads every story before a model does: its reading serves while the models are
//! away, and is what theirs are measured against. Which model reads is decided by the claim: the
//! limit key that served it names one. One article of a story is enough, and one job at a time asks
//! about it.

mod reading;

use std::borrow::Cow;
use std::time::Duration;

use bellwether_domain::{Symbol, lexicon, signal::HORIZON, symbols::LINK};
use bellwether_providers::{self as providers, Prompt};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, NewJob, event,
    schemars::{Schema, schema_for},
};
use bellwether_store::{
    self as store,
    article::{Article, Unanalyzed},
    sentiment::NewSentiment,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use self::reading::{of_lexicon, of_model, text, unread};
use crate::{
    Analyzer, DeriveSignal, Error, Services,
    error::{USELESS_TRIES, judged, useless},
    permit::Granted,
};

pub const QUEUE: &str = "analyzer";
/// Lane in which readings by models wait for a limit key.
pub const LANE: &str = "model";
/// Lane of readings by the lexicon, which need no limit key.
const FREE_LANE: &str = "lexicon";

/// Length of the lease on a story: a little longer than the job's timeout, so that it expires only
/// after its worker has died.
const FLIGHT: Duration = Duration::from_secs(100);
/// Priority of readings that are not urgent: after all that is new.
const LEAST_URGENT: u8 = 7;

/// Priority by age: fresh news before news that has lost half of its weight.
pub(crate) fn priority(age: TimeDelta) -> u8 {
    match age.num_hours() {
        ..6 => 4,
        6..24 => 5,
        24..72 => 6,
        _ => LEAST_URGENT,
    }
}

/// Key of the operator note about the retirement of a model; the note's detail is the date.
pub(crate) const RETIREMENT: &str = "model_retiring";

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AnalyzeArticle {
    #[schemars(range(min = 1))]
    pub article: i64,
    /// `lexicon/1`, or the model that is wanted; the model that has quota when the job is claimed
    /// reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub analyzer: Option<String>,
    /// True for a reading with left-over quota, also of older news.
    #[serde(default, skip_serializing_if = "is_false")]
    pub again: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(b: &bool) -> bool {
    !b
}

impl AnalyzeArticle {
    /// The job that has the best model read a story which a lesser analyzer has read.
    pub(crate) fn anew(story: &Unanalyzed, analyzer: &str, day: NaiveDate) -> NewJob {
        Self { article: story.id, analyzer: Some(analyzer.to_owned()), again: true }
            .priority(LEAST_URGENT)
            .unique_key(format!("{}/{analyzer}/again/{day}", story.cluster_id))
    }

    /// The job that has an analyzer read a story for the first time.
    pub(crate) fn first(story: &Unanalyzed, analyzer: &str, now: DateTime<Utc>) -> NewJob {
        Self { article: story.id, analyzer: Some(analyzer.to_owned()), again: false }
            .priority(priority(now - story.published_at))
            .unique_key(format!("{}/{analyzer}", story.cluster_id))
    }
}

impl JobArgs for AnalyzeArticle {
    const KIND: &'static str = "analyze_article";
    const QUEUE: &'static str = QUEUE;
    const PRIORITY: u8 = 5;
    // a model may be away for hours; later searches enqueue the articles that are still unread
    const MAX_ATTEMPTS: u16 = 12;
    const TIMEOUT: Duration = Duration::from_secs(90);

    fn lane(&self) -> Cow<'static, str> {
        let free = self.analyzer.as_deref() == Some(lexicon::ANALYZER);
        if free { FREE_LANE.into() } else { LANE.into() }
    }

    fn unique_key(&self) -> Option<String> {
        let analyzer = self.analyzer.as_deref().unwrap_or("current");
        let again = if self.again { "/again" } else { "" };
        Some(format!("article/{}/{analyzer}{again}", self.article))
    }

    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::from_secs(u64::from(attempt).pow(4).min(1_800)))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for AnalyzeArticle {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

impl AnalyzeArticle {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let article = store::article::find(&cx.pool, self.article)
            .await?
            .ok_or(Error::Gone("such article"))?;
        let control = of_lexicon(cx, &article);
        let by = match self.analyzer.as_deref() {
            Some(lexicon::ANALYZER) => cx.analyzers.lexicon(),
            _ => cx.analyzers.under(attempt.key()).ok_or(Error::Off("such model"))?,
        };
        let name = by.name();
        if by.key().is_none() {
            if attempt.key().is_some() {
                attempt
                    .log("no model can read it soon; one will when its quota has some left over");
            }
            return finish(cx, attempt, by, &article, &control, None).await;
        }
        if is_read(cx, attempt, by, &article).await? {
            return Ok(());
        }
        // older news counts in no score: a model reads it only with quota that is left over
        if !self.again && store::now(&cx.pool).await? - article.published_at > HORIZON {
            attempt.log("a model's reading would come too late to matter");
            return finish(cx, attempt, cx.analyzers.lexicon(), &article, &control, None).await;
        }
        let flight = attempt.job().0;
        if !store::flight::take(&cx.pool, article.cluster_id, &name, flight, FLIGHT).await? {
            return Err(Error::InFlight);
        }
        // the other job may have ended between the check and the lease
        if is_read(cx, attempt, by, &article).await? {
            store::flight::land(&cx.pool, article.cluster_id, flight).await?;
            return Ok(());
        }
        let lexicon = lexicon::ANALYZER;
        if !store::sentiment::is_story_read(&cx.pool, article.cluster_id, lexicon).await? {
            // in a transaction of its own, so that it is stored however long the model takes
            let mut tx = cx.pool.begin().await?;
            keep(&mut tx, attempt, &article, &control).await?;
            tx.commit().await?;
        }
        self.ask(cx, attempt, by, &article, &control).await
    }

    /// Has a model read the article. The lease ends with the reading, or earlier if the model is
    /// not called for longer than a retry takes.
    async fn ask(
        &self,
        cx: &Services,
        attempt: &Attempt,
        by: &Analyzer,
        article: &Article,
        control: &NewSentiment,
    ) -> Result<(), Error> {
        let mut tx = cx.pool.begin().await?;
        let symbols = symbols_of(&mut tx, article).await?;
        tx.commit().await?;
        let prompt = Prompt {
            title: article.title.clone(),
            text: text(article),
            symbols: symbols.iter().map(ToString::to_string).collect(),
        };
        let useless = useless(cx, attempt).await;
        let repeats = useless.min(USELESS_TRIES).into();
        let permit = Granted::priced(attempt, by.price());
        let reading = match by.read(&prompt, repeats, &permit).await {
            Ok(Some(reading)) => {
                let retires = reading.retirement_time;
                let sentiment = of_model(cx, by, article, &prompt, &reading, control);
                return finish(cx, attempt, by, article, &sentiment, retires).await;
            }
            Ok(None) => return finish(cx, attempt, by, article, control, None).await,
            // the model refuses this article: the lexicon's reading stays, and the pages show the
            // reason
            Err(providers::Error::Refused { reason, .. }) => {
                unread(cx, by, article, &prompt, &reason)
            }
            Err(providers::Error::Unusable { reason, .. }) if useless >= USELESS_TRIES => {
                unread(cx, by, article, &prompt, &reason)
            }
            // this job will ask again soon, and others wait for its answer
            Err(
                error @ (providers::Error::Unusable { .. } | providers::Error::Transient { .. }),
            ) => return Err(error.into()),
            Err(error) => {
                store::flight::land(&cx.pool, article.cluster_id, attempt.job().0).await?;
                return Err(error.into());
            }
        };
        attempt.log(format!(
            "{} gave no reading: {}",
            by.name(),
            reading.blocked_reason.as_deref().unwrap_or_default()
        ));
        finish(cx, attempt, by, article, &reading, None).await
    }
}

/// Returns true if this model, or a better one, has read the article's story.
async fn is_read(
    cx: &Services,
    attempt: &Attempt,
    by: &Analyzer,
    article: &Article,
) -> Result<bool, Error> {
    for model in cx.analyzers.models() {
        let name = model.name();
        if store::sentiment::is_story_read(&cx.pool, article.cluster_id, &name).await? {
            attempt.log(format!("{name} has read this story"));
            return Ok(true);
        }
        if model.key() == by.key() {
            break;
        }
    }
    Ok(false)
}

/// Stores a reading, enqueues the signals and completes the job.
async fn finish(
    cx: &Services,
    attempt: &Attempt,
    by: &Analyzer,
    article: &Article,
    reading: &NewSentiment,
    retires: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let mut tx = cx.pool.begin().await?;
    keep(&mut tx, attempt, article, reading).await?;
    store::flight::land(&mut *tx, article.cluster_id, attempt.job().0).await?;
    if let Some(key) = by.key() {
        store::operator::clear(&mut *tx, key).await?;
        note_retirement(&mut tx, key, retires).await?;
    }
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Keeps the date on which a provider will retire a model, as it last announced it.
async fn note_retirement(
    tx: &mut PgConnection,
    key: &str,
    retires: Option<DateTime<Utc>>,
) -> Result<(), Error> {
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
    Ok(())
}

/// Stores a new reading, and enqueues the signal of every symbol of its story.
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
            let cause = format!("sentiment/{id}");
            DeriveSignal::enqueue_soon(&mut *tx, attempt, symbol, cause).await?;
        }
    }
    Ok(())
}

/// The symbols of the article's story.
async fn symbols_of(conn: &mut PgConnection, article: &Article) -> Result<Vec<Symbol>, Error> {
    let linked = store::article::list_story_symbols(conn, article.cluster_id).await?;
    Ok(linked.into_iter().filter(|(_, relevance)| *relevance >= LINK).map(|(s, _)| s).collect())
}
