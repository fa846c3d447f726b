//! Feeds, as the sandbox imitates their servers.

use bellwether_providers::{
    Free, Result,
    rss::{Feed, Polled, Rss, Validators},
};

use crate::{
    outside::{Outside, TIMEOUT, verdict},
    support::now,
};

fn wire(outside: &Outside, name: &str) -> Rss {
    let url = outside.settings(&format!("/rss/{name}")).base_url;
    Rss::new(Feed { name: name.into(), url }, TIMEOUT).unwrap()
}

async fn poll(rss: &Rss, known: &Validators) -> Result<Polled> {
    rss.poll(known, now(), &Free).await
}

#[tokio::test]
async fn an_unchanged_feed_costs_no_body() {
    let outside = Outside::start().await;
    outside.stop_clock().await;
    let rss = wire(&outside, "globenewswire");
    let first = poll(&rss, &Validators::default()).await.unwrap();
    let Polled::Changed { news, validators, cut: false } = first else { panic!("{first:?}") };
    assert!(!news.stories.is_empty());
    assert!(news.dropped.is_empty(), "{:?}", news.dropped);
    assert!(validators.etag.is_some());
    assert_eq!(poll(&rss, &validators).await.unwrap(), Polled::Unchanged);
}

#[tokio::test]
async fn a_feed_that_ends_inside_an_item_is_asked_for_as_a_whole_next_time() {
    let outside = Outside::start().await;
    outside.stop_clock().await;
    let rss = wire(&outside, "prnewswire");
    let Polled::Changed { news: whole, .. } = poll(&rss, &Validators::default()).await.unwrap()
    else {
        panic!("a first poll has items")
    };
    outside.fault("F97").await;
    let answer = poll(&rss, &Validators::default()).await.unwrap();
    let Polled::Changed { news, validators, cut: true } = answer else { panic!("{answer:?}") };
    assert_eq!(validators, Validators::default());
    assert_eq!(news.stories.len() + 1, whole.stories.len());
}

#[tokio::test]
async fn an_item_without_an_identity_is_known_by_its_address() {
    let outside = Outside::start().await;
    outside.stop_clock().await;
    let rss = wire(&outside, "globenewswire");
    let whole = poll(&rss, &Validators::default()).await.unwrap();
    outside.fault("F98").await;
    let bare = poll(&rss, &Validators::default()).await.unwrap();
    let stories = |polled| match polled {
        Polled::Changed { news, .. } => news.stories,
        Polled::Unchanged => Vec::new(),
    };
    assert_eq!(stories(whole), stories(bare));
}

#[tokio::test]
async fn each_fault_of_a_feed_leads_to_its_verdict() {
    let outside = Outside::start().await;
    let rss = wire(&outside, "globenewswire");
    for (fault, expected) in [
        ("F06/503", "transient"),
        ("F07", "unusable html"),
        ("F14/seconds", "throttled unknown"),
        ("F10", "unusable body_too_large"),
    ] {
        outside.fault(fault).await;
        let result = poll(&rss, &Validators::default()).await;
        assert_eq!(verdict(&result), expected, "{fault}: {result:?}");
    }
}
