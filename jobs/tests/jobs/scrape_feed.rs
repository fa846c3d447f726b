//! Feeds that are polled without a key.

use bellwether_jobs::{AnalyzeArticle, ScrapeFeed};
use bellwether_providers::rss::Feed;
use bellwether_queue::State;
use serde_json::json;

use crate::stage::{Stage, symbol};

/// The two wires, and nothing else that has news.
async fn stage() -> Stage {
    Stage::with(|settings, url| {
        settings.watchlist = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"].map(symbol).to_vec();
        settings.feeds = ["globenewswire", "prnewswire"]
            .map(|name| Feed {
                name: name.to_owned(),
                url: format!("{url}/rss/{name}").parse().unwrap(),
            })
            .to_vec();
    })
    .await
}

fn poll_of(feed: &str) -> ScrapeFeed {
    ScrapeFeed { feed: Some(feed.to_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_feed_is_polled_when_it_is_due_and_its_articles_are_read() {
    let mut stage = stage().await;
    stage.only::<ScrapeFeed>().await;
    stage.run(&ScrapeFeed::default()).await;
    stage.idle_of::<ScrapeFeed>().await;
    assert_eq!(stage.requests("rss").await, 2);
    let providers = "select distinct provider from article order by provider";
    assert_eq!(stage.words(providers).await, ["rss/globenewswire", "rss/prnewswire"]);
    let stories = stage.count("select count(*) from cluster").await;
    assert_eq!(stage.keys_of::<AnalyzeArticle>().await.len() as i64, stories);

    // neither is due again
    stage.run(&ScrapeFeed::default()).await;
    stage.idle_of::<ScrapeFeed>().await;
    assert_eq!(stage.requests("rss").await, 2);
    sqlx::query("update feed set due_at = now()").execute(&stage.pool).await.unwrap();
    stage.run(&ScrapeFeed::default()).await;
    stage.idle_of::<ScrapeFeed>().await;
    assert_eq!(stage.requests("rss").await, 4);
    let repeated = "select count(*) - count(distinct canonical_url) from article";
    assert_eq!(stage.count(repeated).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_waits_is_not_added_twice() {
    let stage = stage().await;
    let first = stage.add(&poll_of("globenewswire")).await;
    assert_eq!(stage.add(&poll_of("globenewswire")).await, first);
    assert_ne!(stage.add(&poll_of("prnewswire")).await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_feed_keeps_its_items_and_its_next_poll_brings_the_rest() {
    let mut stage = stage().await;
    stage.fault(json!({"id": "F97", "count": 1})).await;
    stage.only::<ScrapeFeed>().await;
    // the address is known from the first poll on
    stage.run(&ScrapeFeed::default()).await;
    stage.idle_of::<ScrapeFeed>().await;
    assert_eq!(stage.count("select count(*) from feed where etag is null").await, 1);
    let before = stage.count("select count(*) from article").await;
    assert!(before > 0);
    sqlx::query("update feed set due_at = now()").execute(&stage.pool).await.unwrap();
    stage.run(&ScrapeFeed::default()).await;
    stage.idle_of::<ScrapeFeed>().await;
    assert_eq!(stage.count("select count(*) from feed where etag is null").await, 0);
    assert!(stage.count("select count(*) from article").await >= before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_patience_stops_its_own_feed_only() {
    let mut stage = stage().await;
    stage.fault(json!({"id": "F14", "match": "globenewswire", "count": 1})).await;
    stage.only::<ScrapeFeed>().await;
    let refused = stage.add(&poll_of("globenewswire")).await;
    assert_eq!(stage.ended(refused, 1).await.outcome, "throttled");
    assert!(stage.parked_for("rss/globenewswire").await > 0.0);
    stage.run(&poll_of("prnewswire")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_no_feed_is_told_to_the_operator_after_three_polls() {
    let mut stage = stage().await;
    stage.fault(json!({"id": "F07", "match": "globenewswire"})).await;
    stage.only::<ScrapeFeed>().await;
    let id = stage.add(&poll_of("globenewswire")).await;
    for n in 1..=3 {
        stage.ended(id, n).await;
        stage.hurry_unless_final(id).await;
    }
    assert_eq!(stage.find(id).await.job.state, State::Discarded);
    let notes = "select key from operator_note where reason = 'html'";
    assert_eq!(stage.words(notes).await, ["rss/globenewswire"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_not_configured_is_off() {
    let mut stage = stage().await;
    stage.only::<ScrapeFeed>().await;
    let id = stage.add(&poll_of("elsewhere")).await;
    let ended = stage.ended(id, 1).await;
    assert_eq!(ended.outcome, "discarded");
    assert_eq!(ended.error.as_deref(), Some("no feed of this name is configured"));
}
