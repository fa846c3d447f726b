//! The whole pipeline: from a scrape batch to a delivered message.

use bellwether_domain::alert::{Condition, Kind, Metric, Op, Rule};
use bellwether_jobs::{ScrapeBatch, ScrapeQuotes, registry};
use bellwether_store::{self as store, alert::Severity, rule::NewRule};
use bellwether_testing::wait_until;
use rust_decimal::prelude::ToPrimitive;

use crate::stage::{Stage, gemini, symbol, texts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_fills_every_table_and_a_fallen_price_reaches_a_recipient() {
    let mut stage = Stage::with(|settings, url| {
        settings.sms = Some(texts(url));
        settings.models = vec![gemini(url)];
    })
    .await;
    stage.work(registry()).await;
    stage.run(&ScrapeBatch::default()).await;
    stage.idle().await;

    let aapl = symbol("AAPL");
    for one in ["AAPL", "MSFT"] {
        let latest = store::signal::find_current(&stage.pool, &symbol(one)).await.unwrap();
        let latest = latest.unwrap();
        assert_eq!(latest.state, "ok", "{one}: {:?}", latest.inputs);
    }
    assert!(stage.count("select count(*) from quote").await >= 2);
    assert!(stage.count("select count(*) from bar").await >= 200);
    assert!(stage.count("select count(*) from article").await > 0);
    let read = "select count(*) from sentiment where model is not null and score is not null";
    assert!(stage.count(read).await > 0);
    let unread = "select count(*) from cluster c where not exists (
        select from sentiment s where s.article_id = c.representative)";
    assert_eq!(stage.count(unread).await, 0);
    let failed = "select count(*) from queue.job where state = 'discarded'";
    assert_eq!(stage.count(failed).await, 0);

    let now = store::now(&stage.pool).await.unwrap();
    let quote = store::quote::find_latest(&stage.pool, &aapl, now).await.unwrap().unwrap();
    let level = quote.price.to_f64().unwrap() * 0.93;
    let rule = Rule {
        symbol: Some(aapl.clone()),
        fire: Some(Condition::test(Metric::Price, Op::Below, level)),
        ..Rule::new("fell", Kind::PriceCross)
    };
    let rule = NewRule::new(&rule, Severity::Critical);
    store::rule::add(&stage.pool, &rule).await.unwrap();
    // a crossing has to be seen from the near side first
    let near = bellwether_jobs::EvaluateAlerts {
        symbol: Some(aapl.clone()),
        cause: Some("test".to_owned()),
    };
    stage.run(&near).await;

    stage.jump("AAPL", -12.0).await;
    stage.run(&ScrapeQuotes { symbol: aapl.clone(), batch: None, part: None }).await;
    let text = wait_until("the text message", || async {
        let texts = stage.outbox("sms").await;
        let is_it = |sms: &serde_json::Value| sms["body"].as_str().unwrap().contains(": fell");
        texts.into_iter().find(is_it)
    })
    .await;
    assert!(text["body"].as_str().unwrap().starts_with("AAPL is at "), "{text}");
    let alerts = store::alert::list_by_symbol(&stage.pool, &aapl, None, 10).await.unwrap();
    assert_eq!(alerts.iter().filter(|alert| alert.kind == "price_cross").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_pace_of_the_free_plans_no_request_is_one_too_many() {
    let mut stage = Stage::at_scale(1.0, |settings, _| {
        settings.watchlist = ["AAPL", "MSFT", "GOOGL", "AMZN", "TSLA"].map(symbol).to_vec();
    })
    .await;
    stage.work(registry()).await;
    stage.run(&ScrapeBatch::default()).await;
    stage.idle().await;
    let verdicts = stage.verdicts("alpha_vantage").await;
    assert!(verdicts.len() >= 5, "{verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict == "ok"), "{verdicts:?}");
    assert_eq!(stage.verdicts("newsapi").await, ["ok"]);
    assert_eq!(
        stage.count("select count(distinct symbol) from signal where state = 'ok'").await,
        5
    );
}
