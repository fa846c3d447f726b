//! Prices and news in, a signal out.

use bellwether_domain::signal::FORMULA;
use bellwether_jobs::{AnalyzeArticle, DeriveSignal, EvaluateAlerts, ScrapeQuotes};
use bellwether_queue::{JobId, Registry};
use bellwether_store as store;
use chrono::TimeDelta;

use crate::{
    analyze_article::{article, outlet},
    stage::{Stage, symbol},
};

fn derive(cause: &str) -> DeriveSignal {
    DeriveSignal { symbol: Some(symbol("AAPL")), cause: Some(cause.to_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_keeps_every_term_and_the_ids_of_what_it_read() {
    let mut stage = Stage::new().await;
    let kinds =
        Registry::new().with::<ScrapeQuotes>().with::<AnalyzeArticle>().with::<DeriveSignal>();
    stage.work(kinds).await;
    stage.run(&ScrapeQuotes { symbol: symbol("AAPL"), batch: None, part: None }).await;
    let article = article(&stage).await;
    stage.run(&AnalyzeArticle { article, analyzer: None, again: false }).await;
    let id = stage.run(&derive("test/1")).await;

    let aapl = symbol("AAPL");
    let signals = store::signal::list(&stage.pool, &aapl, None, 10).await.unwrap();
    let signal = signals.iter().find(|s| s.cause == "test/1").unwrap();
    assert_eq!((signal.state.as_str(), signal.formula_version.as_str()), ("ok", FORMULA));
    assert!(signal.label.is_some() && signal.c.is_some());
    assert!(signal.s > 0.0);
    assert!(signal.terms["M"].is_number() && signal.terms["RSI"].is_number());
    assert_eq!(signal.inputs["bars"]["count"], 100);
    assert_eq!(signal.inputs["clusters"][0]["articles"][0], article);
    assert_eq!(signal.job, Some(id.0));
    let key = format!("AAPL/signal/{}", signal.id);
    assert!(stage.keys_of::<EvaluateAlerts>().await.contains(&key));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_cause_makes_one_signal_and_one_evaluation() {
    let mut stage = Stage::new().await;
    stage.only::<DeriveSignal>().await;
    stage.run(&derive("test/1")).await;
    stage.run(&derive("test/1")).await;
    assert_eq!(stage.count("select count(*) from signal").await, 1);
    assert_eq!(stage.keys_of::<EvaluateAlerts>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_readings_makes_one_signal() {
    let mut stage = Stage::new().await;
    stage.only::<AnalyzeArticle>().await;
    for n in 0..20 {
        let article = outlet(&stage, &format!("burst/{n}"), None, TimeDelta::hours(1)).await;
        stage.run(&AnalyzeArticle { article, analyzer: None, again: false }).await;
    }
    assert_eq!(stage.count("select count(*) from sentiment").await, 20);
    let job = "select id from queue.job where kind = 'derive_signal'";
    let jobs: Vec<i64> = sqlx::query_scalar(job).fetch_all(&stage.pool).await.unwrap();
    assert_eq!(jobs.len(), 1);
    stage.only::<DeriveSignal>().await;
    stage.completed(JobId(jobs[0])).await;
    let signals = store::signal::list(&stage.pool, &symbol("AAPL"), None, 10).await.unwrap();
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0].inputs["clusters"].as_array().unwrap().len(), 20, "it read all of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_prices_are_said_to_be_too_few_and_evaluated_all_the_same() {
    let mut stage = Stage::new().await;
    stage.only::<DeriveSignal>().await;
    stage.run(&derive("test/1")).await;
    let signal = store::signal::find_current(&stage.pool, &symbol("AAPL")).await.unwrap().unwrap();
    assert_eq!((signal.state.as_str(), signal.label, signal.c), ("insufficient_data", None, None));
    assert_eq!(stage.keys_of::<EvaluateAlerts>().await, [format!("AAPL/signal/{}", signal.id)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_symbol_each_watched_one_is_derived() {
    let mut stage = Stage::new().await;
    stage.only::<DeriveSignal>().await;
    stage.run(&DeriveSignal { symbol: None, cause: Some("hourly".to_owned()) }).await;
    stage.idle_of::<DeriveSignal>().await;
    assert_eq!(stage.count("select count(distinct symbol) from signal").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_symbol_has_no_signal() {
    let mut stage = Stage::new().await;
    stage.only::<DeriveSignal>().await;
    let id = stage.add(&DeriveSignal { symbol: Some(symbol("NVDA")), cause: None }).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "discarded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_in_the_database_gives_the_attempt_back() {
    let mut stage = Stage::new().await;
    sqlx::raw_sql(
        "create sequence race;
        create function lose() returns trigger language plpgsql as $$ begin
            if nextval('race') = 1 then
                raise exception 'could not serialize access' using errcode = '40001';
            end if;
            return new;
        end $$;
        create trigger lose before insert on signal for each row execute function lose()",
    )
    .execute(&stage.pool)
    .await
    .unwrap();
    stage.only::<DeriveSignal>().await;
    let id = stage.add(&derive("test/1")).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "snoozed");
    stage.completed(id).await;
    assert_eq!(stage.find(id).await.job.attempt, 1);
    assert_eq!(stage.count("select count(*) from signal").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_lease_was_lost_leaves_nothing() {
    let mut stage = Stage::new().await;
    let mut turn = stage.pool.begin().await.unwrap();
    store::turn::take(&mut turn, store::turn::Turn::Signal, &symbol("AAPL")).await.unwrap();
    stage.only::<DeriveSignal>().await;
    let id = stage.add(&derive("test/1")).await;
    bellwether_testing::wait_until("the claim", || async {
        (stage.find(id).await.job.state == bellwether_queue::State::Running).then_some(())
    })
    .await;
    sqlx::query("delete from queue.running where id = $1")
        .bind(id.0)
        .execute(&stage.pool)
        .await
        .unwrap();
    turn.commit().await.unwrap();
    // a second job passes through the same turn, so the first one has ended
    stage.run(&derive("test/2")).await;
    assert_eq!(stage.count("select count(*) from signal where cause = 'test/1'").await, 0);
    let passed_on = "select count(*) from queue.job where kind = 'evaluate_alerts'";
    assert_eq!(stage.count(passed_on).await, 1);
}
