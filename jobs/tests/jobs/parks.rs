//! A refused credential stops its key until another one is given.

use std::time::Duration;

use bellwether_jobs::ScrapeQuotes;
use serde_json::json;

use crate::stage::{MARKET, Stage, symbol};

const KEY: &str = "alpha_vantage";

/// A worker has asked with a wrong key.
async fn refused() -> Stage {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F25"})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&ScrapeQuotes { symbol: symbol("AAPL"), batch: None, part: None }).await;
    let attempt = stage.ended(id, 1).await;
    assert_eq!(attempt.outcome, "throttled", "{:?}", attempt.error);
    stage.forget().await;
    assert!(stage.parked_for(KEY).await > 0.0);
    stage
}

async fn notes(stage: &Stage) -> usize {
    bellwether_store::operator::list(&stage.pool).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_the_same_key_leaves_its_park() {
    let stage = refused().await;
    stage.prepare_with(|_| {}).await;
    assert!(stage.parked_for(KEY).await > 0.0);
    assert_eq!(notes(&stage).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_another_key_or_with_none_lifts_the_park() {
    for key in [Some("another-key"), None] {
        let stage = refused().await;
        stage
            .prepare_with(|settings| match (settings.sources.get_mut(MARKET), key) {
                (Some(market), Some(key)) => market.key = key.to_owned().into(),
                _ => drop(settings.sources.remove(MARKET)),
            })
            .await;
        assert!(stage.parked_for(KEY).await <= 0.0, "{key:?}");
        assert_eq!(notes(&stage).await, 0, "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_longer_park_by_hand_stays() {
    let stage = refused().await;
    stage.park(KEY, Duration::from_hours(5)).await;
    stage.prepare_with(|settings| drop(settings.sources.remove(MARKET))).await;
    assert!(stage.parked_for(KEY).await > 4.0 * 3_600.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_of_a_refused_key_does_not_hold_the_key() {
    let stage = refused().await;
    let marks = stage.words("select credential from operator_note").await;
    assert_eq!(marks.len(), 1);
    assert!(!marks[0].contains("4711"), "{}", marks[0]);
}
