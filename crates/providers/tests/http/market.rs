//! Prices and scored stories, as the sandbox imitates their provider.

use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bellwether_providers::{Error, Free, Scope, alpha_vantage::Depth};
use chrono::TimeDelta;

use crate::{
    outside::{Outside, verdict},
    support::{Counting, now},
};

#[tokio::test]
async fn the_latest_quote_is_of_the_day_of_the_latest_bar() {
    let outside = Outside::start().await;
    let market = outside.market();
    let quote = market.quote("AAPL", &Free).await.unwrap();
    let bars = market.daily("AAPL", Depth::Compact, &Free).await.unwrap();
    assert_eq!(bars.len(), 100);
    assert!(bars.is_sorted_by_key(|bar| bar.day), "oldest first");
    assert_eq!(bars.last().map(|bar| bar.day), Some(quote.trading_day));
    assert_eq!(quote.trading_day.to_string(), "2026-11-20", "the Friday before a Sunday");
    assert!(quote.previous_close.is_some() && quote.volume.is_some());
}

#[tokio::test]
async fn each_fault_of_alpha_vantage_leads_to_its_verdict() {
    let cases = [
        ("F20", "throttled burst"),
        ("F21", "throttled day"),
        ("F22", "throttled minute"),
        ("F23", "refused entitlement_endpoint"),
        ("F24", "refused entitlement_param"),
        ("F25", "stopped bad_key"),
        ("F26", "stopped bad_key"),
        ("F27/empty_object", "unusable no_data"),
        ("F27/empty_quote", "refused unknown_symbol"),
        ("F28", "refused unknown_symbol"),
        ("F29/none", "unusable schema_drift"),
        ("F29/dash", "unusable schema_drift"),
        ("F29/empty", "unusable schema_drift"),
        ("F29/missing", "unusable schema_drift"),
        ("F04", "unusable schema_drift"),
        ("F05", "transient"),
        ("F06", "transient"),
        ("F07", "unusable html"),
        ("F10", "unusable body_too_large"),
        ("F11", "ok"),
    ];
    for (fault, expected) in cases {
        // a sandbox each: it allows one request a second
        let outside = Outside::start().await;
        outside.fault(fault).await;
        let result = outside.market().quote("AAPL", &Free).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
    }
    let outside = Outside::start().await;
    let result = outside.market().daily("ZZZZ", Depth::Compact, &Free).await;
    assert_eq!(verdict(&result), "refused unknown_symbol");
}

#[tokio::test]
async fn a_plan_without_full_histories_is_asked_once_more_and_remembered() {
    let outside = Outside::start().await;
    let market = outside.market();
    let granted = Counting::default();
    // the sandbox's plan includes none
    let bars = market.daily("AAPL", Depth::Full, &granted).await.unwrap();
    assert_eq!((bars.len(), granted.taken.load(Ordering::SeqCst)), (100, 2));
    let bars = market.daily("AAPL", Depth::Full, &granted).await.unwrap();
    assert_eq!((bars.len(), granted.taken.load(Ordering::SeqCst)), (100, 3));
}

#[tokio::test]
async fn one_request_about_a_topic_brings_scored_stories_about_many_shares() {
    let outside = Outside::start().await;
    let from = now() - TimeDelta::hours(48);
    let feed = outside.market().news("financial_markets", from, now(), &Free).await.unwrap();
    assert!(feed.stories.len() > 20, "{} stories", feed.stories.len());
    assert!(feed.dropped.is_empty(), "{:?}", feed.dropped);
    let tickers: BTreeSet<_> =
        feed.stories.iter().flat_map(|s| &s.opinions).map(|o| o.ticker.as_str()).collect();
    assert!(tickers.len() > 5, "{tickers:?}");
    assert!(feed.stories.iter().all(|s| s.overall.is_some() && s.article.published_at >= from));

    for (fault, expected) in [("F20", "throttled burst"), ("F21", "throttled day"), ("F32", "ok")] {
        let outside = Outside::start().await;
        outside.fault(fault).await;
        let result = outside.market().news("earnings", from, now(), &Free).await;
        assert_eq!(verdict(&result), expected, "{fault}");
    }
}

#[tokio::test]
async fn two_clients_that_do_not_know_each_other_are_told_to_slow_down() {
    let outside = Outside::start().await;
    outside.stop_clock().await;
    let (one, other) = (outside.market(), outside.market());
    one.quote("AAPL", &Free).await.unwrap();
    let result = other.quote("MSFT", &Free).await;
    let Err(Error::Throttled { key, wait, scope, .. }) = result else { panic!("{result:?}") };
    assert_eq!((key.as_str(), scope), ("alpha_vantage", Scope::Burst));
    assert_eq!(wait, Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn one_process_spaces_its_requests_as_the_provider_wants_them() {
    let outside = Outside::start().await;
    let market = outside.market();
    let began = Instant::now();
    // each is granted at once, and the provider takes one a second
    let (a, b, c) = tokio::join!(
        market.quote("AAPL", &Free),
        market.quote("MSFT", &Free),
        market.quote("AMZN", &Free)
    );
    for result in [a, b, c] {
        assert!(result.is_ok(), "{result:?}");
    }
    assert!(began.elapsed() >= Duration::from_millis(2_400), "{:?}", began.elapsed());
}
