//! One article, one sentiment.

use bellwether_domain::{lexicon, symbols::Dictionary};
use bellwether_jobs::{AnalyzeArticle, DeriveSignal};
use bellwether_queue::{JobId, State};
use bellwether_store as store;
use chrono::TimeDelta;
use serde_json::json;

use crate::stage::{Stage, symbol};

const MODEL: &str = "gemini/gemini-3.5-flash-lite";
const ANALYZER: &str = "gemini/gemini-3.5-flash-lite/1";

/// One article about Apple, an hour old.
pub(crate) async fn article(stage: &Stage) -> i64 {
    let title = "Apple beats estimates and raises guidance as iPhone sales surge";
    assert!(!Dictionary::builtin().find(title).is_empty());
    let mut conn = stage.pool.acquire().await.unwrap();
    let now = store::now(&mut *conn).await.unwrap();
    let new = store::article::NewArticle {
        canonical_url: "https://example.org/apple".to_owned(),
        url: "https://example.org/apple".to_owned(),
        title: title.to_owned(),
        description: Some("Shares of Apple Inc. (NASDAQ: AAPL) rose.".to_owned()),
        content: None,
        source: "Reuters".to_owned(),
        provider: "newsapi".to_owned(),
        language: Some("en".to_owned()),
        published_at: now - TimeDelta::hours(1),
        fingerprint: json!({}),
        simhash: 1,
        title_hash: "1".to_owned(),
        flags: Vec::new(),
    };
    let added = store::article::add(&mut conn, &new, None).await.unwrap().unwrap();
    store::article::link(&mut *conn, added.id, &[(symbol("AAPL"), 1.0)]).await.unwrap();
    added.id
}

async fn read(stage: &Stage, article: i64) -> JobId {
    stage.add(&AnalyzeArticle { article, analyzer: None }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_model_the_lexicon_reads_and_every_share_is_derived_anew() {
    let mut stage = Stage::new().await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;

    let current = store::sentiment::find_current(&stage.pool, article).await.unwrap().unwrap();
    assert_eq!(current.analyzer, lexicon::ANALYZER);
    assert!(current.score.unwrap() > 0.0);
    assert!(current.confidence.unwrap() <= lexicon::MOST_CONFIDENCE);
    let key = format!("AAPL/sentiment/{}", current.id);
    assert_eq!(stage.keys_of::<DeriveSignal>().await, [key]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_outranks_the_lexicon_and_both_readings_remain() {
    let mut stage = Stage::with_model().await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;

    let readings = store::sentiment::list(&stage.pool, article).await.unwrap();
    assert_eq!(readings.len(), 2);
    let best = &readings[0];
    assert_eq!(best.analyzer, ANALYZER);
    assert_eq!(best.model.as_deref(), Some("gemini-3.5-flash-lite"));
    assert_eq!(best.prompt_version.as_deref(), Some("1"));
    assert!(best.model_version.is_some() && best.latency_ms.is_some());
    assert!(best.input_tokens.unwrap() > 0 && best.output_tokens.unwrap() > 0);
    assert!(best.calibrated.unwrap() < best.confidence.unwrap());
    assert_ne!(best.input_hash, readings[1].input_hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_costs_no_tokens_and_changes_nothing() {
    let mut stage = Stage::with_model().await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let job = |analyzer: &str| AnalyzeArticle { article, analyzer: Some(analyzer.to_owned()) };
    stage.run(&job(ANALYZER)).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    stage.run(&job(lexicon::ANALYZER)).await;

    assert_eq!(stage.requests("gemini").await, 1);
    assert_eq!(stage.count("select count(*) from sentiment").await, 2);
    assert_eq!(stage.keys_of::<DeriveSignal>().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_minute_or_day_parks_the_model_and_the_lexicon_serves_meanwhile() {
    for (fault, least, most) in [("F60", 1.0, 310.0), ("F61", 310.0, 90_000.0)] {
        let mut stage = Stage::with_model().await;
        stage.fault(json!({"id": fault})).await;
        stage.only::<AnalyzeArticle>().await;
        let article = article(&stage).await;
        let id = read(&stage, article).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "throttled", "{fault}");
        let parked = stage.parked_for(MODEL).await;
        assert!((least..most).contains(&parked), "{fault}: {parked} s");
        let job = stage.find(id).await.job;
        assert_eq!((job.state, job.attempt), (State::Parked, 0));
        let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
        assert_eq!(current.unwrap().analyzer, lexicon::ANALYZER);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overloaded_model_is_asked_again() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F65", "count": 1})).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "failed");
    stage.hurry_unless_final(id).await;
    stage.completed(id).await;
    let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
    assert_eq!(current.unwrap().analyzer, ANALYZER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_article_keeps_the_lexicons_score_and_the_reason() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F66"})).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    let by_model = store::sentiment::find(&stage.pool, article, ANALYZER).await.unwrap().unwrap();
    assert_eq!(by_model.score, None);
    assert_eq!(by_model.blocked_reason.as_deref(), Some("blocked_prohibited_content"));
    let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
    assert_eq!(current.unwrap().analyzer, lexicon::ANALYZER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prose_is_asked_for_again_twice_and_then_left_to_the_lexicon() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F69", "mode": "prose"})).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    for n in 1..=2 {
        assert_eq!(stage.ended(id, n).await.outcome, "failed");
        stage.hurry_unless_final(id).await;
    }
    stage.completed(id).await;
    assert_eq!(stage.requests("gemini").await, 3);
    let by_model = store::sentiment::find(&stage.pool, article, ANALYZER).await.unwrap().unwrap();
    assert!(by_model.score.is_none() && by_model.blocked_reason.is_some());
    let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
    assert_eq!(current.unwrap().analyzer, lexicon::ANALYZER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_will_go_is_noted_for_the_operator() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F77"})).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    let notes = store::operator::list(&stage.pool).await.unwrap();
    assert_eq!(notes[0].key, format!("model/{MODEL}"));
    assert!(notes[0].detail.parse::<chrono::DateTime<chrono::Utc>>().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_article_that_is_not_there_is_no_reason_to_try_again() {
    let mut stage = Stage::new().await;
    stage.only::<AnalyzeArticle>().await;
    let id = read(&stage, 4711).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "discarded");
}
