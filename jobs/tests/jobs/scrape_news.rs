//! One search, several companies.

use bellwether_jobs::{AnalyzeArticle, ScrapeNews};
use bellwether_queue::{Registry, State};
use bellwether_store as store;
use bellwether_testing::wait_until;
use serde_json::json;

use crate::stage::{NEWS, Stage, symbol};

fn news() -> ScrapeNews {
    ScrapeNews { symbols: vec![symbol("AAPL"), symbol("MSFT")], batch: None, topic: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn articles_are_kept_with_their_stories_and_shares_and_each_story_is_read_once() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeNews>().await;
    let id = stage.run(&news()).await;

    let articles = stage.count("select count(*) from article").await;
    assert!(articles > 3, "{articles} articles");
    assert_eq!(stage.requests("newsapi").await, 1);
    let unlinked = "select count(*) from article a where not exists (
        select from article_symbol l where l.article_id = a.id and l.relevance >= 0.35)";
    assert_eq!(stage.count(unlinked).await, 0);
    let stories = stage.count("select count(*) from cluster").await;
    let keys = stage.keys_of::<AnalyzeArticle>().await;
    assert_eq!(keys.len() as i64, stories);
    assert!(keys.iter().all(|key| key.ends_with("/lexicon/1")), "{keys:?}");
    assert_eq!(stage.find(id).await.children.len() as i64, stories);
    let aapl = store::instrument::find(&stage.pool, &symbol("AAPL")).await.unwrap().unwrap();
    assert!(aapl.news_seen_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_twice_keeps_no_article_twice_and_adds_no_analysis() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeNews>().await;
    stage.run(&news()).await;
    let jobs = stage.keys_of::<AnalyzeArticle>().await.len();
    stage.run(&news()).await;

    let repeated = "select count(*) - count(distinct canonical_url) from article";
    assert_eq!(stage.count(repeated).await, 0);
    let stories = stage.count("select count(*) from cluster").await;
    assert!(stage.keys_of::<AnalyzeArticle>().await.len() >= jobs);
    assert_eq!(stage.keys_of::<AnalyzeArticle>().await.len() as i64, stories);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_and_the_lexicon_each_get_a_job_for_a_story() {
    let mut stage = Stage::with_model().await;
    stage.only::<ScrapeNews>().await;
    stage.run(&news()).await;
    let keys = stage.keys_of::<AnalyzeArticle>().await;
    let by = |analyzer: &str| keys.iter().filter(|key| key.ends_with(analyzer)).count();
    assert!(by("/lexicon/1") > 0);
    assert_eq!(by("/gemini/gemini-3.5-flash-lite/1"), by("/lexicon/1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_story_from_two_hundred_outlets_is_one_story() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F93"})).await;
    stage.only::<ScrapeNews>().await;
    stage.run(&ScrapeNews { symbols: vec![symbol("AAPL")], batch: None, topic: None }).await;
    let articles = stage.count("select count(*) from article").await;
    assert!(articles > 50, "{articles} articles");
    let largest = "select max(n) from (select count(*) as n from article group by cluster_id) x";
    assert!(stage.count(largest).await > 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn withdrawn_articles_are_dropped_and_counted() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F43"})).await;
    stage.only::<ScrapeNews>().await;
    stage.run(&news()).await;
    let dropped = "select sum(count)::bigint from article_drop where reason = 'removed'";
    assert!(stage.count(dropped).await > 0);
    let kept = "select count(*) from article where url like '%removed.com%'";
    assert_eq!(stage.count(kept).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_quota_parks_the_key_and_spends_no_attempt() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F40"})).await;
    stage.only::<ScrapeNews>().await;
    let id = stage.add(&news()).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "throttled");
    assert!(stage.parked_for("newsapi").await > 3_600.0);
    let job = stage.find(id).await.job;
    assert_eq!((job.state, job.attempt), (State::Parked, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_the_plan_forbids_is_not_repeated() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F42"})).await;
    stage.only::<ScrapeNews>().await;
    let id = stage.add(&news()).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "discarded");
}

fn topic() -> ScrapeNews {
    ScrapeNews { topic: Some("financial_markets".to_owned()), ..news() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_call_for_a_topic_serves_the_watchlist_and_brings_a_second_opinion() {
    let mut stage = Stage::with(|settings, _| {
        settings.sources.remove(NEWS);
        settings.watchlist = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"].map(symbol).to_vec();
    })
    .await;
    stage.only::<ScrapeNews>().await;
    // the caller need not know the lane
    stage.run(&topic()).await;
    stage.idle_of::<ScrapeNews>().await;

    assert_eq!(stage.verdicts("alpha_vantage").await, ["ok"]);
    let shares = "select count(distinct symbol) from article_symbol";
    assert!(stage.count(shares).await >= 3, "{} shares", stage.count(shares).await);
    let strange = "select count(*) from article where provider <> 'alpha_vantage'";
    assert_eq!(stage.count(strange).await, 0);
    let opinions = "select count(*) from sentiment where analyzer = 'alphavantage/1'";
    assert_eq!(stage.count(opinions).await, stage.count("select count(*) from article").await);
    assert!(!stage.keys_of::<AnalyzeArticle>().await.is_empty());
    let aapl = store::instrument::find(&stage.pool, &symbol("AAPL")).await.unwrap().unwrap();
    assert!(aapl.news_seen_at.is_some());

    stage.run(&topic()).await;
    stage.idle_of::<ScrapeNews>().await;
    let repeated = "select count(*) - count(distinct article_id) from sentiment";
    assert_eq!(stage.count(repeated).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opinion_never_outranks_our_own_reading() {
    let mut stage = Stage::with(|settings, _| drop(settings.sources.remove(NEWS))).await;
    stage.work(Registry::new().with::<ScrapeNews>().with::<AnalyzeArticle>()).await;
    stage.run(&topic()).await;
    stage.idle_of::<ScrapeNews>().await;
    stage.idle_of::<AnalyzeArticle>().await;
    let own = "select count(*) from cluster c join sentiment_current s
        on s.article_id = c.representative where s.analyzer = 'lexicon/1'";
    assert_eq!(stage.count(own).await, stage.count("select count(*) from cluster").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_spends_the_quota_of_prices() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F21"})).await;
    stage.only::<ScrapeNews>().await;
    stage.add(&topic()).await;
    wait_until("the park", || async {
        (stage.parked_for("alpha_vantage").await > 3_600.0).then_some(())
    })
    .await;
    assert_eq!(stage.parked_for("newsapi").await, 0.0);
}
