//! One request, one symbol's price.

use bellwether_domain::calendar;
use bellwether_jobs::{DeriveSignal, EvaluateAlerts, ScrapeQuotes, Settings};
use bellwether_queue::State;
use bellwether_store as store;
use serde_json::json;

use crate::stage::{KEY, Stage, access, symbol};

fn aapl() -> ScrapeQuotes {
    ScrapeQuotes { symbol: symbol("AAPL"), batch: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_brings_the_missing_days_and_the_newest_close_as_a_quote() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    stage.completed(id).await;

    assert_eq!(stage.count("select count(*) from bar where symbol = 'AAPL'").await, 100);
    let now = store::now(&stage.pool).await.unwrap();
    let quote = store::quote::find_latest(&stage.pool, &symbol("AAPL"), now).await.unwrap();
    let bars = store::bar::list(&stage.pool, &symbol("AAPL"), 2).await.unwrap();
    assert_eq!(bars[0].day, calendar::last_completed(now).day);
    let quote = quote.unwrap();
    if !calendar::is_open(now) {
        assert_eq!(stage.requests("alpha_vantage").await, 1);
        assert_eq!((quote.trading_day, quote.price), (bars[0].day, bars[0].close));
        assert_eq!(quote.previous_close, Some(bars[1].close));
    }
    let children = stage.find(id).await.children;
    assert!(children.len() >= 2, "{children:?}");
    let key = format!("AAPL/observation/{}", quote.id);
    assert!(stage.keys_of::<DeriveSignal>().await.contains(&key));
    assert!(stage.keys_of::<EvaluateAlerts>().await.contains(&key));
    let events = "select count(*) from queue.event where kind = 'quote' and subject = 'AAPL'";
    assert!(stage.count(events).await >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn running_twice_adds_no_observation_twice() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeQuotes>().await;
    stage.run(&aapl()).await;
    stage.run(&aapl()).await;

    assert_eq!(stage.count("select count(*) from bar").await, 100);
    let repeated = "select count(*) - count(distinct (trading_day, price)) from quote";
    assert_eq!(stage.count(repeated).await, 0);
    let derived = stage.keys_of::<DeriveSignal>().await.len() as i64;
    assert_eq!(derived, stage.count("select count(*) from quote").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_notice_gives_the_attempt_back_and_leaves_the_day_alone() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F20", "count": 1})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "throttled");
    assert!(stage.parked_for("alpha_vantage").await < 5.0);
    stage.completed(id).await;
    assert_eq!(stage.find(id).await.job.attempt, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daily_notice_parks_the_key_everywhere_and_shows_it_nowhere() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F21"})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "throttled");
    assert!(stage.parked_for("alpha_vantage").await > 11.0 * 3_600.0);
    let job = stage.find(id).await;
    assert_eq!((job.job.state, job.job.attempt), (State::Parked, 0));
    let shown = format!("{job:?} {:?}", stage.limit("alpha_vantage").await);
    assert!(!shown.contains(KEY), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_a_price_writes_none_and_is_tried_again_twice() {
    for fault in ["F07", "F27"] {
        let mut stage = Stage::new().await;
        stage.fault(json!({"id": fault})).await;
        stage.only::<ScrapeQuotes>().await;
        let id = stage.add(&aapl()).await;
        for n in 1..=3 {
            let attempt = stage.ended(id, n).await;
            let expected = if n < 3 { "failed" } else { "discarded" };
            assert_eq!(attempt.outcome, expected, "{fault}: {:?}", attempt.error);
            stage.hurry_unless_final(id).await;
        }
        assert_eq!(stage.count("select count(*) from quote").await, 0);
        assert_eq!(stage.count("select count(*) from bar").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_server_and_a_silent_one_are_tried_again() {
    for fault in [json!({"id": "F06", "count": 1}), json!({"id": "F02", "count": 1})] {
        let mut stage = Stage::with(|settings: &mut Settings, url| {
            let mut market = access(url, "alphavantage");
            market.timeout = std::time::Duration::from_millis(700);
            settings.market = Some(market);
        })
        .await;
        stage.fault(fault.clone()).await;
        stage.only::<ScrapeQuotes>().await;
        let id = stage.add(&aapl()).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "failed", "{fault}");
        stage.completed(id).await;
        assert_eq!(stage.find(id).await.job.attempt, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_key_stops_the_lane_and_is_told_once() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F25"})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    let other = ScrapeQuotes { symbol: symbol("MSFT"), batch: None };
    stage.add(&other).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "throttled");
    assert!(stage.parked_for("alpha_vantage").await > 300.0 * 86_400.0);
    let notes = store::operator::list(&stage.pool).await.unwrap();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].key.as_str(), notes[0].reason.as_str()), ("alpha_vantage", "bad_key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_symbol_is_asked_for_once_and_noted() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&ScrapeQuotes { symbol: symbol("NOSUCH"), batch: None }).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "discarded");
    assert_eq!(stage.find(id).await.job.state, State::Discarded);
    let notes = store::operator::list(&stage.pool).await.unwrap();
    assert_eq!(notes[0].key, "symbol/NOSUCH");
    assert_eq!(stage.requests("alpha_vantage").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_the_job_says_so() {
    let mut stage = Stage::with(|settings, _| settings.market = None).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    let attempt = stage.ended(id, 1).await;
    assert_eq!(attempt.outcome, "discarded");
    assert_eq!(attempt.error.as_deref(), Some("no market data provider is configured"));
}
