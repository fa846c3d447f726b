//! One round of asking.

use bellwether_domain::calendar;
use bellwether_jobs::{AnalyzeArticle, ScrapeBatch, ScrapeNews, ScrapeQuotes};
use bellwether_queue::{Registry, inspect::LaneView, limits};
use bellwether_store::{self as store, alert::Severity, rule::NewRule};
use serde_json::json;
use std::time::Duration;

use crate::{
    analyze_article,
    stage::{NEWS, Stage, symbol},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_round_asks_for_every_watched_symbol_and_for_their_news_at_once() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeBatch>().await;
    let id = stage.run(&ScrapeBatch::default()).await;

    let batch = store::batch::find_by_job(&stage.pool, id.0).await.unwrap().unwrap();
    assert_eq!(batch.symbols, ["AAPL", "MSFT"]);
    let quotes = [format!("{}/AAPL", batch.id), format!("{}/MSFT", batch.id)];
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await, quotes);
    let searches = format!("{}/AAPL", batch.id);
    assert!(stage.keys_of::<ScrapeNews>().await.contains(&searches));
    assert!(stage.find(id).await.children.len() >= 3);
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
    let limit = limits::Limit::new("alpha_vantage", limits::Counts::Finish)
        .window(limits::Window::requests(1, Duration::from_hours(25)));
    limits::define(&stage.pool, &limit).await.unwrap();
    stage.only::<ScrapeBatch>().await;
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await.len(), 1);
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_that_wait_for_a_stopped_key_are_not_asked_for_again_by_each_round() {
    let mut stage = Stage::new().await;
    for key in ["alpha_vantage", "newsapi"] {
        stage.park(key, Duration::from_mins(10)).await;
    }
    stage.only::<ScrapeBatch>().await;
    for _ in 0..3 {
        stage.run(&ScrapeBatch::default()).await;
    }
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await.len(), 2);
    assert_eq!(searches(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_stopped_for_longer_than_a_round_is_planned_nothing_for() {
    let mut stage = Stage::new().await;
    for key in ["alpha_vantage", "newsapi"] {
        stage.park(key, Duration::from_hours(12)).await;
    }
    stage.only::<ScrapeBatch>().await;
    let id = stage.run(&ScrapeBatch::default()).await;
    assert!(stage.keys_of::<ScrapeQuotes>().await.is_empty());
    assert!(stage.keys_of::<ScrapeNews>().await.is_empty());
    let log = stage.words("select unnest(log) from queue.done").await.concat();
    assert!(log.contains("stopped until"), "{log}");
    assert!(store::batch::find_by_job(&stage.pool, id.0).await.unwrap().is_none());
}

/// Keys of the searches that rounds have added.
async fn searches(stage: &Stage) -> Vec<String> {
    let keys = stage.keys_of::<ScrapeNews>().await;
    keys.into_iter().filter(|key| !key.starts_with("feed/")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_of_the_schedule_that_follows_another_at_once_searches_for_nothing() {
    let mut stage = Stage::at_scale(1.0, |_, _| {}).await;
    let by_clock = ScrapeBatch { symbols: None, reason: Some("schedule".to_owned()) };
    stage.only::<ScrapeBatch>().await;
    for symbol in ["AAPL", "MSFT"].map(symbol) {
        store::instrument::news_seen(&stage.pool, &symbol).await.unwrap();
    }
    stage.run(&by_clock).await;
    assert!(searches(&stage).await.is_empty());
    // a caller waits for this one
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(searches(&stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_the_plan_does_not_include_is_noted_and_left_alone() {
    let mut stage = Stage::with(|settings, _| drop(settings.sources.remove(NEWS))).await;
    stage.fault(json!({"id": "F23"})).await;
    stage.work(Registry::new().with::<ScrapeBatch>().with::<ScrapeNews>()).await;
    let topic = ScrapeNews {
        symbols: vec![symbol("AAPL")],
        batch: None,
        topic: Some("earnings".to_owned()),
    };
    stage.add(&topic).await;
    stage.idle_of::<ScrapeNews>().await;
    let notes = store::operator::list(&stage.pool).await.unwrap();
    let told: Vec<_> = notes.iter().map(|n| (n.key.as_str(), n.reason.as_str())).collect();
    assert_eq!(told, [("alpha_vantage/news", "entitlement_endpoint")]);
    stage.run(&ScrapeBatch::default()).await;
    let keys = stage.keys_of::<ScrapeNews>().await;
    assert!(!keys.iter().any(|key| key.starts_with("feed/")), "{keys:?}");

    stage.forget().await;
    stage.fault(json!([])).await;
    stage.only::<ScrapeNews>().await;
    stage.add(&topic).await;
    stage.idle_of::<ScrapeNews>().await;
    assert!(store::operator::list(&stage.pool).await.unwrap().is_empty(), "it works again");
}

/// A key's place in the readers' lane.
async fn place(stage: &Stage, key: &str) -> LaneView {
    let lanes = stage.limit(key).await.lanes;
    lanes.into_iter().find(|l| l.lane == "model").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_says_how_long_a_better_reading_is_worth_waiting_for_at_this_hour() {
    let mut stage = Stage::with_model().await;
    let model = "gemini/gemini-3.5-flash-lite";
    let before = place(&stage, model).await;
    assert_eq!(before.wait_s, Some(600.0), "until a round knows better");
    stage.only::<ScrapeBatch>().await;
    stage.run(&ScrapeBatch::default()).await;
    let now = store::now(&stage.pool).await.unwrap();
    let expected = if calendar::is_open(now) {
        600.0
    } else {
        let left = calendar::next_open(now) - now;
        (left.as_seconds_f64() - 3_600.0).clamp(600.0, 43_200.0)
    };
    let after = place(&stage, model).await;
    assert!((after.wait_s.unwrap() - expected).abs() < 60.0, "{after:?}, not {expected}");
    assert_eq!((after.position, after.tokens), (before.position, before.tokens));
    assert_eq!(place(&stage, "lexicon").await.wait_s, None, "nobody is waited for behind it");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_news_provider_the_feed_is_asked_in_its_hours_and_not_by_each_round() {
    let mut stage = Stage::with(|settings, _| drop(settings.sources.remove(NEWS))).await;
    stage.only::<ScrapeBatch>().await;
    stage.run(&ScrapeBatch::default()).await;
    let now = store::now(&stage.pool).await.unwrap();
    let due = usize::from((7..=17).contains(&calendar::local_hour(now)));
    let keys = |n: usize| vec![format!("feed/{}/0", calendar::local_day(now)); n];
    assert_eq!(stage.keys_of::<ScrapeNews>().await, keys(due));
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.keys_of::<ScrapeNews>().await, keys(due));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_model_has_left_over_after_hours_goes_to_what_a_lesser_one_read() {
    let mut stage = Stage::with_model().await;
    let article = analyze_article::article(&stage).await;
    let lexicon = AnalyzeArticle { article, analyzer: Some("lexicon/1".to_owned()), again: false };
    stage.work(Registry::new().with::<ScrapeBatch>().with::<AnalyzeArticle>()).await;
    stage.run(&lexicon).await;
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.requests("gemini").await, 0, "news of the last hour has its own turn");

    let earlier = "update article set first_seen_at = first_seen_at - interval '2 hours'";
    sqlx::query(earlier).execute(&stage.pool).await.unwrap();
    stage.run(&ScrapeBatch::default()).await;
    stage.idle_of::<AnalyzeArticle>().await;
    let now = store::now(&stage.pool).await.unwrap();
    if !calendar::is_open(now) {
        let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
        assert_eq!(current.unwrap().model.as_deref(), Some("gemini-3.5-flash-lite"));
        let keys = stage.keys_of::<AnalyzeArticle>().await;
        assert!(keys.iter().any(|key| key.contains("/again/")), "{keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_with_a_rule_of_its_own_is_asked_about_first() {
    let mut stage = Stage::new().await;
    let rule = NewRule {
        name: "mine".to_owned(),
        kind: "price_cross".to_owned(),
        symbol: Some(symbol("MSFT")),
        severity: Severity::Info,
        definition: json!({}),
    };
    store::rule::add(&stage.pool, &rule).await.unwrap();
    let important = store::instrument::list_important(&stage.pool).await.unwrap();
    assert_eq!(important, [symbol("MSFT")]);
    let limit = limits::Limit::new("alpha_vantage", limits::Counts::Finish)
        .window(limits::Window::requests(1, Duration::from_hours(25)));
    limits::define(&stage.pool, &limit).await.unwrap();
    stage.only::<ScrapeBatch>().await;
    stage.run(&ScrapeBatch::default()).await;
    let keys = stage.keys_of::<ScrapeQuotes>().await;
    assert!(keys.len() == 1 && keys[0].ends_with("/MSFT"), "{keys:?}");
}
