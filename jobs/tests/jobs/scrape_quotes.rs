//! One request, one symbol's price.

use bellwether_domain::calendar;
use bellwether_jobs::{DeriveSignal, EvaluateAlerts, Part, ScrapeBatch, ScrapeQuotes, Settings};
use bellwether_queue::{JobArgs, Registry, State};
use bellwether_store as store;
use serde_json::json;

use crate::stage::{KEY, MARKET, Stage, access, symbol};

fn aapl() -> ScrapeQuotes {
    ScrapeQuotes { symbol: symbol("AAPL"), batch: None, part: None }
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
    let bars = store::bar::list(&stage.pool, &symbol("AAPL"), None, 2).await.unwrap();
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
    assert_eq!(stage.keys_of::<DeriveSignal>().await, ["AAPL"]);
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
    let evaluated = stage.keys_of::<EvaluateAlerts>().await.len() as i64;
    assert_eq!(evaluated, stage.count("select count(*) from quote").await);
    assert_eq!(stage.keys_of::<DeriveSignal>().await, ["AAPL"]);
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
async fn a_full_day_is_left_alone_for_hours_though_our_own_count_has_room() {
    // by the free plan, where the call that was refused fills the window of a second
    let mut stage = Stage::at_scale(1.0, |_, _| {}).await;
    stage.fault(json!({"id": "F21"})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "throttled");
    assert!(stage.parked_for("alpha_vantage").await > 11.0 * 3_600.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_is_obeyed_as_seconds_and_as_a_date_and_never_for_ever() {
    let cases = [
        ("seconds", 7.0, 8.6),
        ("date", 6.0, 8.6),
        // a time that is over says nothing
        ("negative", 4.0, 5.0),
        ("absurd", 86_000.0, 86_401.0),
    ];
    for (mode, least, most) in cases {
        let mut stage = Stage::new().await;
        stage.fault(json!({"id": "F14", "mode": mode})).await;
        stage.only::<ScrapeQuotes>().await;
        let id = stage.add(&aapl()).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "throttled", "{mode}");
        let parked = stage.parked_for("alpha_vantage").await;
        assert!((least..most).contains(&parked), "{mode}: {parked} s");
        assert_eq!(stage.find(id).await.job.attempt, 0, "{mode}");
    }
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
            market.timeout = std::time::Duration::from_secs(3);
            settings.sources.insert(MARKET, market);
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
async fn a_bad_key_stops_the_lane_and_is_reported_once() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F25"})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    let other = ScrapeQuotes { symbol: symbol("MSFT"), batch: None, part: None };
    stage.add(&other).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "throttled");
    let parked = stage.parked_for("alpha_vantage").await;
    assert!((3_500.0..3_601.0).contains(&parked), "asked again after an hour, not {parked} s");
    let notes = store::operator::list(&stage.pool).await.unwrap();
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].key.as_str(), notes[0].reason.as_str()), ("alpha_vantage", "bad_key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_notice_waits_a_minute_and_a_demo_key_stops_the_lane() {
    for (fault, least, most) in [("F22", 59.0, 62.0), ("F26", 3_500.0, 3_601.0)] {
        let mut stage = Stage::new().await;
        stage.fault(json!({"id": fault})).await;
        stage.only::<ScrapeQuotes>().await;
        let id = stage.add(&aapl()).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "throttled", "{fault}");
        let parked = stage.parked_for("alpha_vantage").await;
        assert!((least..most).contains(&parked), "{fault}: {parked} s");
        assert_eq!(stage.find(id).await.job.attempt, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_that_the_plan_does_not_include_are_noted_once_and_not_planned() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F23"})).await;
    stage.work(Registry::new().with::<ScrapeQuotes>().with::<ScrapeBatch>()).await;
    for one in ["AAPL", "MSFT"] {
        let id = stage.add(&ScrapeQuotes { symbol: symbol(one), batch: None, part: None }).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "discarded");
    }
    let notes = store::operator::list(&stage.pool).await.unwrap();
    let told: Vec<_> = notes.iter().map(|n| (n.key.as_str(), n.reason.as_str())).collect();
    assert_eq!(told, [("alpha_vantage/prices", "entitlement_endpoint")]);
    stage.run(&ScrapeBatch::default()).await;
    assert_eq!(stage.keys_of::<ScrapeQuotes>().await.iter().filter(|k| !k.is_empty()).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_the_plan_does_not_include_is_asked_for_once_in_short() {
    let mut stage = Stage::with(|settings, _| settings.full_history = true).await;
    stage.only::<ScrapeQuotes>().await;
    stage.run(&aapl()).await;
    assert_eq!(stage.count("select count(*) from bar where symbol = 'AAPL'").await, 100);
    assert_eq!(stage.verdicts("alpha_vantage").await[0], "refused:premium");
    stage.run(&ScrapeQuotes { symbol: symbol("MSFT"), batch: None, part: None }).await;
    let verdicts = stage.verdicts("alpha_vantage").await;
    assert_eq!(verdicts.iter().filter(|v| *v == "refused:premium").count(), 1, "{verdicts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_call_is_left_to_a_person() {
    let mut stage = Stage::new().await;
    stage.fault(json!({"id": "F28"})).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    let attempt = stage.ended(id, 1).await;
    assert_eq!(attempt.outcome, "discarded");
    let job = stage.find(id).await.job;
    let told = (job.claimed_at, job.worker.as_deref());
    assert_eq!(told, (Some(attempt.started_at), Some("stage")), "who ran it, and since when");
    assert_eq!(store::operator::list(&stage.pool).await.unwrap()[0].key, "symbol/AAPL");
    assert_eq!(stage.requests("alpha_vantage").await, 1);
}

async fn is_watched(stage: &Stage, name: &str) -> Option<bool> {
    let found = store::instrument::find(&stage.pool, &symbol(name)).await.unwrap();
    found.map(|instrument| instrument.watched)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_asks_once_about_its_symbols_and_watches_none() {
    let mut stage = Stage::new().await;
    stage.work(Registry::new().with::<ScrapeBatch>().with::<ScrapeQuotes>()).await;
    stage.run(&ScrapeBatch { symbols: Some(vec![symbol("NVDA")]), reason: None }).await;
    stage.idle_of::<ScrapeQuotes>().await;
    assert_eq!(is_watched(&stage, "NVDA").await, Some(false));
    assert!(stage.count("select count(*) from quote where symbol = 'NVDA'").await > 0);

    let round = stage.run(&ScrapeBatch::default()).await;
    for child in stage.find(round).await.children {
        let args = stage.find(child).await.job.args.to_string();
        assert!(!args.contains("NVDA"), "{args}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistyped_symbol_of_a_request_leaves_nothing_for_an_operator() {
    let mut stage = Stage::new().await;
    stage.work(Registry::new().with::<ScrapeBatch>().with::<ScrapeQuotes>()).await;
    let asked = ScrapeBatch { symbols: Some(vec![symbol("NOSUCH")]), reason: None };
    let batch = stage.run(&asked).await;
    let mut asks = None;
    for child in stage.find(batch).await.children {
        if stage.find(child).await.job.kind == ScrapeQuotes::KIND {
            asks = Some(child);
        }
    }
    let id = asks.unwrap();
    assert_eq!(stage.ended(id, 1).await.outcome, "discarded");
    assert_eq!(is_watched(&stage, "NOSUCH").await, Some(false));
    assert_eq!(store::operator::list(&stage.pool).await.unwrap(), []);
    assert_eq!(stage.requests("alpha_vantage").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watched_symbol_that_the_provider_does_not_know_stays_watched_and_is_noted() {
    let mut stage = Stage::new().await;
    store::instrument::add_all(&stage.pool, &[symbol("NVDA")]).await.unwrap();
    stage.fault(json!({"id": "F28", "count": 1})).await;
    stage.only::<ScrapeQuotes>().await;
    let nvda = ScrapeQuotes { symbol: symbol("NVDA"), batch: None, part: None };
    let refused = stage.add(&nvda).await;
    assert_eq!(stage.ended(refused, 1).await.outcome, "discarded");
    assert_eq!(is_watched(&stage, "NVDA").await, Some(true));
    assert_eq!(store::operator::list(&stage.pool).await.unwrap()[0].key, "symbol/NVDA");
    stage.run(&nvda).await;
    assert_eq!(store::operator::list(&stage.pool).await.unwrap(), [], "it is known after all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_the_job_says_so() {
    let mut stage = Stage::with(|settings, _| drop(settings.sources.remove(MARKET))).await;
    stage.only::<ScrapeQuotes>().await;
    let id = stage.add(&aapl()).await;
    let attempt = stage.ended(id, 1).await;
    assert_eq!(attempt.outcome, "discarded");
    assert_eq!(attempt.error.as_deref(), Some("no market data provider is configured"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_with_the_newest_close_tells_that_the_session_is_published() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeQuotes>().await;
    let close = ScrapeQuotes { part: Some(Part::Close), ..aapl() };
    stage.run(&close).await;
    let now = store::now(&stage.pool).await.unwrap();
    let searches = store::close_search::list(&stage.pool, "alpha_vantage").await.unwrap();
    let closes = calendar::last_completed(now).closes;
    assert_eq!((searches.len(), searches[0].closes, searches[0].misses), (1, closes, 0));
    let seen_at = searches[0].seen_at;
    assert!(seen_at.is_some());

    stage.run(&close).await;
    let again = store::close_search::list(&stage.pool, "alpha_vantage").await.unwrap();
    assert_eq!(again[0].seen_at, seen_at, "the first answer counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_symbol_whose_answers_hold_nothing_waits_like_one_that_lacks_its_close() {
    let mut stage = Stage::new().await;
    stage.only::<ScrapeQuotes>().await;
    stage.run(&aapl()).await;
    stage.fault(json!({"id": "F27", "mode": "empty_object", "count": 1})).await;
    let close = ScrapeQuotes { part: Some(Part::Close), ..aapl() };
    let id = stage.add(&close).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "failed");
    let known = store::instrument::find(&stage.pool, &symbol("AAPL")).await.unwrap().unwrap();
    assert_eq!(known.close_misses, 1);
    stage.completed(id).await;
    let known = store::instrument::find(&stage.pool, &symbol("AAPL")).await.unwrap().unwrap();
    assert_eq!(known.close_misses, 0);
}
