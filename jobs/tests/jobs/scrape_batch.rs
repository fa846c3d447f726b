//! One round of asking.

use bellwether_jobs::{ScrapeBatch, ScrapeNews, ScrapeQuotes};
use bellwether_queue::limits;
use bellwether_store as store;
use std::time::Duration;

use crate::stage::{Stage, symbol};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_round_asks_for_every_watched_symbol_and_for_their_news_at_once() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeBatch>().await;
    let id = stage.run(&ScrapeBatch::default()).await;

    let batch = store::batch::find_by_job(&stage.pool, id.0).await.unwrap().unwrap();
    assert_eq!(batch.symbols, ["AAPL", "MSFT"]);
    let quotes = [format!("{}/AAPL", batch.id), format!("{}/MSFT", batch.id)];
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await, quotes);
    assert_eq!(stage.keys_of::<ScrapeNews>().await, [format!("{}/AAPL", batch.id)]);
    assert_eq!(stage.find(id).await.children.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explicit_symbols_are_taken_as_they_are_and_become_known() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeBatch>().await;
    let asked = ScrapeBatch { symbols: Some(vec![symbol("NVDA")]), reason: None };
    let id = stage.run(&asked).await;
    let batch = store::batch::find_by_job(&stage.pool, id.0).await.unwrap().unwrap();
    assert_eq!((batch.symbols, batch.reason.as_str()), (vec!["NVDA".to_owned()], "request"));
    assert!(store::instrument::find(&stage.pool, &symbol("NVDA")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_already_and_what_is_used_up_is_not_asked_for_again() {
    let mut stage = Stage::new().await;
    let limit = limits::Limit {
        key: "alpha_vantage".to_owned(),
        counts: limits::Counts::Finish,
        windows: vec![limits::Window { amount: 1, period: Duration::from_hours(25) }],
        in_flight: None,
    };
    limits::define(&stage.pool, &limit).await.unwrap();
    stage.only::<ScrapeBatch>().await;
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await.len(), 1);
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_symbol_that_the_provider_refused_is_left_out_of_plans() {
    let mut stage = Stage::new().await;
    store::operator::add(&stage.pool, "symbol/AAPL", "unknown_symbol", "?").await.unwrap();
    stage.only::<ScrapeBatch>().await;
    stage.run(&ScrapeBatch::default()).await;
    let keys = stage.keys_of::<ScrapeQuotes>().await;
    assert!(keys.len() == 1 && keys[0].ends_with("/MSFT"), "{keys:?}");
}
