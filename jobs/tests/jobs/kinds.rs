//! Facts that hold for every kind.

use bellwether_jobs::{
    AnalyzeArticle, DeriveSignal, EvaluateAlerts, Prune, ScrapeBatch, ScrapeFeed, ScrapeNews,
    ScrapeQuotes, SendNotification, registry,
};
use bellwether_queue::{ArgsError, JobArgs, NewJob};
use bellwether_store::notification::Channel;
use serde_json::{Value, json};

use crate::{
    send_notification::notification,
    stage::{Stage, symbol},
};

/// A job of each kind that has work to do.
async fn one_of_each(stage: &Stage) -> Vec<NewJob> {
    let article = stage.count("select min(id) from article").await;
    let notification = stage.count("select min(id) from notification").await;
    let jobs = vec![
        NewJob::of(&AnalyzeArticle { article, analyzer: None, again: false }),
        NewJob::of(&DeriveSignal { symbol: Some(symbol("AAPL")), cause: None }),
        NewJob::of(&EvaluateAlerts { symbol: None, cause: None }),
        NewJob::of(&Prune {}),
        NewJob::of(&ScrapeBatch::default()),
        NewJob::of(&ScrapeFeed::default()),
        NewJob::of(&ScrapeNews { symbols: vec![symbol("AAPL")], batch: None, topic: None }),
        NewJob::of(&ScrapeQuotes { symbol: symbol("AAPL"), batch: None, part: None }),
        NewJob::of(&SendNotification { notification, channel: Channel::Log }),
    ];
    let known: Vec<_> = registry().kinds().map(|kind| kind.name).collect();
    assert_eq!(jobs.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), known);
    jobs
}

/// A database with articles and a message to be sent.
async fn lived_in() -> Stage {
    let mut stage = Stage::with_model().await;
    stage.only::<ScrapeNews>().await;
    let news = ScrapeNews { symbols: vec![symbol("AAPL")], batch: None, topic: None };
    let news = stage.add(&news).await;
    stage.all_completed(&[news]).await;
    stage.forget().await;
    notification(&stage, Channel::Log, "log").await;
    stage
}

fn with_field(args: &Value, name: &str) -> Value {
    let mut args = args.clone();
    args.as_object_mut().unwrap().insert(name.to_owned(), json!({"of": "a newer release"}));
    args
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_of_a_newer_release_is_refused_from_callers_and_ignored_by_workers() {
    let mut stage = lived_in().await;
    let mut ids = Vec::new();
    for (n, job) in one_of_each(&stage).await.into_iter().enumerate() {
        let args = with_field(&job.args, "later");
        let entered = registry().job(&job.kind, &args);
        let Err(ArgsError::Invalid { field, .. }) = entered else {
            panic!("{} took a field that it does not know", job.kind);
        };
        assert_eq!(field, "args.later", "{}", job.kind);
        registry().check(&job.kind, &args).unwrap();
        let schema = registry().get(&job.kind).unwrap().schema().unwrap();
        assert_eq!(schema["additionalProperties"], false, "{}", job.kind);
        let unique_key = Some(format!("newer/{n}"));
        ids.push(stage.add_prepared(NewJob { args, unique_key, ..job }).await);
    }
    stage.work(registry()).await;
    stage.all_completed(&ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_runs_where_all_attempts_share_one_connection() {
    let mut stage = lived_in().await;
    stage.leave_one_connection();
    let mut ids = Vec::new();
    for round in 0..3 {
        for (n, job) in one_of_each(&stage).await.into_iter().enumerate() {
            let unique_key = Some(format!("narrow/{round}/{n}"));
            ids.push(stage.add_prepared(NewJob { unique_key, ..job }).await);
        }
    }
    stage.work(registry()).await;
    stage.all_completed(&ids).await;
    let given_back = "select distinct error from queue.attempt where error like '%pool timed out%'";
    assert_eq!(stage.words(given_back).await, Vec::<String>::new());
}

#[test]
fn arguments_that_a_caller_enters_are_bounded() {
    let symbols: Vec<String> = (0..101).map(|n| format!("S{n}")).collect();
    let long = "x".repeat(201);
    for (kind, args, field) in [
        (ScrapeBatch::KIND, json!({"symbols": symbols}), "args.symbols"),
        (ScrapeBatch::KIND, json!({"symbols": []}), "args.symbols"),
        (ScrapeBatch::KIND, json!({"reason": long}), "args.reason"),
        (ScrapeNews::KIND, json!({"symbols": symbols}), "args.symbols"),
        (ScrapeNews::KIND, json!({"symbols": ["AAPL"], "topic": long}), "args.topic"),
        (DeriveSignal::KIND, json!({"cause": long}), "args.cause"),
        (EvaluateAlerts::KIND, json!({"cause": long}), "args.cause"),
        (AnalyzeArticle::KIND, json!({"article": 1, "analyzer": long}), "args.analyzer"),
        (AnalyzeArticle::KIND, json!({"article": 0}), "args.article"),
        (SendNotification::KIND, json!({"notification": 0, "channel": "sms"}), "args.notification"),
    ] {
        let Err(ArgsError::Invalid { field: at, .. }) = registry().job(kind, &args) else {
            panic!("{kind} took {field}");
        };
        assert_eq!(at, field, "{kind}");
    }
    assert!(registry().job(ScrapeBatch::KIND, &json!({"symbols": &symbols[..100]})).is_ok());
}
