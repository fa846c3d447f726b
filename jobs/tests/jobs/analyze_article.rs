//! One article, one sentiment.

use std::time::Duration;

use bellwether_domain::{lexicon, symbols::Dictionary};
use bellwether_jobs::{AnalyzeArticle, DeriveSignal};
use bellwether_queue::JobId;
use bellwether_store as store;
use chrono::TimeDelta;
use serde_json::json;

use crate::stage::{Stage, gemini, openai, symbol};

pub(crate) const MODEL: &str = "gemini/gemini-3.5-flash-lite";
pub(crate) const ANALYZER: &str = "gemini/gemini-3.5-flash-lite/1";

/// One article about Apple, an hour old.
pub(crate) async fn article(stage: &Stage) -> i64 {
    outlet(stage, "apple", None, TimeDelta::hours(1)).await
}

/// The same under another address: of a story, or the first of its own.
pub(crate) async fn outlet(stage: &Stage, name: &str, story: Option<i64>, age: TimeDelta) -> i64 {
    let title = "Apple beats estimates and raises guidance as iPhone sales surge";
    assert!(!Dictionary::builtin().find(title).is_empty());
    let mut conn = stage.pool.pool().acquire().await.unwrap();
    let now = store::now(&mut *conn).await.unwrap();
    let new = store::article::NewArticle {
        canonical_url: format!("https://example.org/{name}"),
        url: format!("https://example.org/{name}"),
        title: title.to_owned(),
        description: Some("Shares of Apple Inc. (NASDAQ: AAPL) rose.".to_owned()),
        content: None,
        source: "Reuters".to_owned(),
        provider: "newsapi".to_owned(),
        language: Some("en".to_owned()),
        published_at: now - age,
        fingerprint: json!({}),
        simhash: 1,
        title_hash: "1".to_owned(),
        flags: Vec::new(),
    };
    let added = store::article::add(&mut conn, &new, story).await.unwrap().unwrap();
    store::article::link(&mut *conn, added.id, &[(symbol("AAPL"), 1.0)]).await.unwrap();
    added.id
}

pub(crate) async fn read(stage: &Stage, article: i64) -> JobId {
    stage.add(&AnalyzeArticle { article, analyzer: None, again: false }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_model_the_lexicon_reads_and_every_signal_is_derived() {
    let mut stage = Stage::new().await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;

    let current = store::sentiment::find_current(&stage.pool, article).await.unwrap().unwrap();
    assert_eq!(current.analyzer, lexicon::ANALYZER);
    assert!(current.score.unwrap() > 0.0);
    assert!(current.confidence.unwrap() <= lexicon::MOST_CONFIDENCE);
    assert_eq!(stage.keys_of::<DeriveSignal>().await, ["AAPL"]);
    let cause = "select args ->> 'cause' from queue.job where kind = 'derive_signal'";
    assert_eq!(stage.words(cause).await, [format!("sentiment/{}", current.id)]);
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
    let job = |analyzer: &str| {
        let analyzer = Some(analyzer.to_owned());
        AnalyzeArticle { article, analyzer, again: false }
    };
    stage.run(&job(ANALYZER)).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    stage.run(&job(lexicon::ANALYZER)).await;

    assert_eq!(stage.requests("gemini").await, 1);
    assert_eq!(stage.count("select count(*) from sentiment").await, 2);
    assert_eq!(stage.keys_of::<DeriveSignal>().await, ["AAPL"], "one signal for both");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_fallback_read_is_superseded_once_the_better_model_has_quota() {
    let mut stage = Stage::with(|settings, url| {
        settings.models = vec![gemini(url), openai(url)];
    })
    .await;
    stage.fault(json!({"id": "F61", "match": "gemini", "count": 1})).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    let by_fallback = store::sentiment::find_current(&stage.pool, article).await.unwrap().unwrap();
    assert_eq!(by_fallback.analyzer, "openai/llama/1");
    assert_eq!((stage.requests("gemini").await, stage.requests("openai").await), (1, 1));

    stage.resume(MODEL).await;
    let again = AnalyzeArticle { article, analyzer: Some(ANALYZER.to_owned()), again: true };
    stage.run(&again).await;
    let best = store::sentiment::find_current(&stage.pool, article).await.unwrap().unwrap();
    assert_eq!((best.analyzer.as_str(), best.replaces), (ANALYZER, Some(by_fallback.id)));
    assert!(best.rank > by_fallback.rank);
    let readings = store::sentiment::list(&stage.pool, article).await.unwrap();
    assert_eq!(readings.len(), 3, "all readings remain");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_jobs_about_one_story_make_one_call() {
    let mut stage = Stage::with_model().await;
    let first = article(&stage).await;
    let story = store::article::find(&stage.pool, first).await.unwrap().unwrap().cluster_id;
    let mut jobs = vec![read(&stage, first).await];
    for n in 1..50 {
        let outlet = outlet(&stage, &format!("outlet-{n}"), Some(story), TimeDelta::hours(1)).await;
        jobs.push(read(&stage, outlet).await);
    }
    // two workers, so that it is not one process that knows
    stage.only::<AnalyzeArticle>().await;
    stage.only::<AnalyzeArticle>().await;
    for job in jobs {
        stage.completed(job).await;
    }
    assert_eq!(stage.requests("gemini").await, 1);
    let by_model = "select count(*) from sentiment where model is not null";
    assert_eq!(stage.count(by_model).await, 1);
    assert_eq!(stage.count("select count(*) from flight").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_whose_worker_died_is_asked_again_later() {
    let mut stage = Stage::with_model().await;
    let article = article(&stage).await;
    let story = store::article::find(&stage.pool, article).await.unwrap().unwrap().cluster_id;
    let lease = Duration::from_millis(300);
    assert!(store::flight::take(&stage.pool, story, ANALYZER, 1, lease).await.unwrap());
    stage.only::<AnalyzeArticle>().await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    assert_eq!(stage.requests("gemini").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_that_is_too_old_to_matter_costs_no_call_unless_quota_is_left_over() {
    let mut stage = Stage::with_model().await;
    stage.only::<AnalyzeArticle>().await;
    let old = outlet(&stage, "old", None, TimeDelta::hours(80)).await;
    let id = read(&stage, old).await;
    stage.completed(id).await;
    assert_eq!(stage.requests("gemini").await, 0);
    let current = store::sentiment::find_current(&stage.pool, old).await.unwrap().unwrap();
    assert_eq!(current.analyzer, lexicon::ANALYZER);

    stage.run(&AnalyzeArticle { article: old, analyzer: None, again: true }).await;
    assert_eq!(stage.requests("gemini").await, 1);
    let better = store::sentiment::find_current(&stage.pool, old).await.unwrap().unwrap();
    assert_eq!((better.analyzer.as_str(), better.replaces), (ANALYZER, Some(current.id)));
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
async fn a_model_that_was_away_has_used_up_none_of_the_tries_of_an_odd_answer() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!([{"id": "F65", "count": 2}, {"id": "F69", "mode": "prose", "after": 2, "count": 2}])).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    for n in 1..=4 {
        assert_eq!(stage.ended(id, n).await.outcome, "failed", "attempt {n}");
        stage.hurry_unless_final(id).await;
    }
    stage.completed(id).await;
    assert_eq!(stage.requests("gemini").await, 5);
    let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
    assert_eq!(current.unwrap().analyzer, ANALYZER);
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
