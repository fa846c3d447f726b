//! What a worker makes exist when it starts.

use bellwether_jobs::{Services, Settings, handlers, prepare, registry};
use bellwether_queue::{inspect, schedule};

use crate::stage::{QUEUES, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preparing_twice_changes_nothing() {
    let stage = Stage::with_model().await;
    for _ in 0..2 {
        prepare(&stage.services, &QUEUES).await.unwrap();
    }
    let keys: Vec<String> =
        inspect::limits(&stage.pool).await.unwrap().into_iter().map(|l| l.key).collect();
    let expected =
        ["alpha_vantage", "gemini/gemini-3.5-flash-lite", "newsapi", "smtp", "twilio", "webhook"];
    assert_eq!(keys, expected);
    let schedules = schedule::list(&stage.pool).await.unwrap();
    let names: Vec<_> = schedules.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["alerts", "prune", "scrape", "signals-close", "signals-hourly"]);
    for s in &schedules {
        assert!(registry().job(&s.kind, s.args.clone()).is_ok(), "{}", s.name);
    }
    assert!(stage.count("select count(*) from rule").await >= 5);
    assert_eq!(stage.count("select count(*) from instrument").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_leaves_the_lanes_of_other_queues_alone() {
    let stage = Stage::with_model().await;
    let lexicon = Services::new(stage.pool.clone(), Settings::default()).unwrap();
    prepare(&lexicon, &["scraper", "maintenance"]).await.unwrap();
    let lane = "select count(*) from queue.lane_key k join queue.lane l on l.id = k.lane
        where l.queue = 'analyzer' and l.name = 'model'";
    assert_eq!(stage.count(lane).await, 1);
    prepare(&lexicon, &["analyzer"]).await.unwrap();
    assert_eq!(stage.count(lane).await, 0);
}

#[tokio::test]
async fn every_kind_that_is_known_is_handled() {
    let stage = Stage::new().await;
    let handlers = handlers(stage.services.clone());
    let known: Vec<_> = registry().kinds().map(|kind| kind.name).collect();
    assert_eq!(known.len(), 8);
    assert!(known.iter().all(|kind| handlers.get(kind).is_some()));
}
