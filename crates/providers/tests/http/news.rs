//! News, as the sandbox imitates their provider.

use bellwether_providers::newsapi::Query;
use chrono::TimeDelta;

use crate::{
    outside::{Outside, verdict},
    support::now,
};

fn apple() -> Query {
    let from = Some(now() - TimeDelta::days(14));
    Query { q: "Apple OR Microsoft".into(), from, ..Query::default() }
}

#[tokio::test]
async fn news_come_dated_and_named() {
    let outside = Outside::start().await;
    let page = outside.find(&apple()).await.unwrap();
    assert!(!page.articles.is_empty());
    assert!(page.dropped.is_empty(), "{:?}", page.dropped);
    assert!(page.total >= page.articles.len() as u64);
    assert!(page.articles.iter().all(|article| article.published_at <= now()));
}

#[tokio::test]
async fn each_fault_of_newsapi_leads_to_its_verdict() {
    let outside = Outside::start().await;
    let cases = [
        ("F40", "throttled day"),
        ("F41/429", "throttled day"),
        ("F41/401", "throttled day"),
        ("F42", "refused maximum_results"),
        ("F45", "refused too_far_in_past"),
        ("F44", "ok"),
        ("F06/500", "transient"),
        ("F07", "unusable html"),
    ];
    for (fault, expected) in cases {
        outside.fault(fault).await;
        let result = outside.find(&apple()).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
    }
    for (fault, reason) in
        [("F43", "removed"), ("F47/future", "future"), ("F47/missing", "undated")]
    {
        outside.fault(fault).await;
        let page = outside.find(&apple()).await.unwrap();
        assert!(page.dropped.get(reason).is_some_and(|n| *n > 0), "{fault}: {:?}", page.dropped);
    }
    let second = Query { page: 2, ..apple() };
    assert_eq!(verdict(&outside.find(&second).await), "refused maximum_results");
}
