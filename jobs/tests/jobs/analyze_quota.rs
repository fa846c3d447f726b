//! The cost of a reading, and the waits for a model that refuses.

use bellwether_domain::lexicon;
use bellwether_jobs::AnalyzeArticle;
use bellwether_providers::{Price, Prompt};
use bellwether_queue::State;
use bellwether_store as store;
use bellwether_testing::wait_until;
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    analyze_article::{ANALYZER, MODEL, article, outlet, read},
    stage::{Stage, gemini},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_minute_is_waited_for_and_the_lexicon_serves_meanwhile() {
    for (fault, least, most) in [("F60", 46.0, 60.0), ("F63", 3.0, 10.0)] {
        let mut stage = Stage::with_model().await;
        stage.fault(json!({"id": fault})).await;
        stage.only::<AnalyzeArticle>().await;
        let article = article(&stage).await;
        let id = read(&stage, article).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "throttled", "{fault}");
        let parked = stage.parked_for(MODEL).await;
        assert!((least..most).contains(&parked), "{fault}: {parked} s");
        let job = stage.find(id).await.job;
        assert_eq!((job.state, job.attempt), (State::Parked, 0));
        let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
        assert_eq!(current.unwrap().analyzer, lexicon::ANALYZER);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_day_parks_the_model_and_the_next_in_line_reads() {
    for fault in ["F61", "F62"] {
        let mut stage = Stage::with_model().await;
        stage.fault(json!({"id": fault})).await;
        stage.only::<AnalyzeArticle>().await;
        let article = article(&stage).await;
        let id = read(&stage, article).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "throttled", "{fault}");
        stage.completed(id).await;
        assert_eq!(stage.find(id).await.job.attempt, 1, "a throttled attempt is given back");
        // until midnight at the provider's
        let parked = stage.parked_for(MODEL).await;
        assert!((1.0..90_000.0).contains(&parked), "{fault}: {parked} s");
        assert_eq!(stage.requests("gemini").await, 1);
        let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
        assert_eq!(current.unwrap().analyzer, lexicon::ANALYZER);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_no_wait_ends_stops_the_key_and_is_reported_once() {
    let (hour, day) = (3_500.0..3_601.0, 86_000.0..86_401.0);
    let cases = [
        ("F64", "not_entitled", day.clone()),
        ("F71", "model_gone", day),
        ("F72", "bad_key", hour),
    ];
    for (fault, reason, wait) in cases {
        let mut stage = Stage::with_model().await;
        stage.fault(json!({"id": fault})).await;
        stage.only::<AnalyzeArticle>().await;
        let article = article(&stage).await;
        let id = read(&stage, article).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "throttled", "{fault}");
        stage.completed(id).await;
        let parked = stage.parked_for(MODEL).await;
        assert!(wait.contains(&parked), "{fault}: {parked} s");
        let notes = store::operator::list(&stage.pool).await.unwrap();
        let told: Vec<_> =
            notes.iter().map(|n| (n.key.as_str(), n.reason.as_str(), n.count)).collect();
        assert_eq!(told, [(MODEL, reason, 1)]);
        let current = store::sentiment::find_current(&stage.pool, article).await.unwrap();
        assert_eq!(current.unwrap().analyzer, lexicon::ANALYZER);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reading_posts_what_it_cost_and_not_what_was_reserved() {
    let price = Price { input: 10.0, output: 40.0 };
    let mut stage = Stage::with(|settings, url| {
        settings.models = vec![gemini(url).priced(price)];
        let plan = "15/1m, 250000 tokens/1m, 10 usd/day UTC".parse().unwrap();
        settings.plans.set(&bellwether_providers::gemini::ENTRY, plan);
    })
    .await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    stage.completed(id).await;
    let kept = store::sentiment::find(&stage.pool, article, ANALYZER).await.unwrap().unwrap();
    let (input, output) = (kept.input_tokens.unwrap(), kept.output_tokens.unwrap());
    let used = stage.used(MODEL, "tokens").await;
    assert_eq!(used, input + output);
    assert!(used < i64::try_from(Prompt::MOST.total()).unwrap());
    assert_eq!(stage.used(MODEL, "money").await, input * 10 + output * 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_costs_all_that_was_reserved() {
    // after it took effect, and in the middle of its body
    for fault in ["F05", "F04"] {
        let mut stage = Stage::with_model().await;
        stage.fault(json!({"id": fault, "count": 1})).await;
        stage.only::<AnalyzeArticle>().await;
        let article = article(&stage).await;
        let id = read(&stage, article).await;
        assert_eq!(stage.ended(id, 1).await.outcome, "failed", "{fault}");
        let most = i64::try_from(Prompt::MOST.total()).unwrap();
        assert_eq!(stage.used(MODEL, "tokens").await, most, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_without_a_time_doubles_the_wait_on_any_process() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F63"})).await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    for (n, least) in [(1, 4.0), (2, 8.0), (3, 18.0), (4, 38.0)] {
        stage.only::<AnalyzeArticle>().await;
        assert_eq!(stage.ended(id, n).await.outcome, "throttled");
        let parked = stage.parked_for(MODEL).await;
        assert!((least..least + 3.0).contains(&parked), "{n}: {parked} s");
        // the next one to ask is another process
        stage.forget().await;
        stage.resume(MODEL).await;
    }
    assert_eq!(stage.find(id).await.job.attempt, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_useless_answer_costs_what_it_says_it_cost() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F68", "count": 1})).await;
    stage.only::<AnalyzeArticle>().await;
    let article = article(&stage).await;
    let id = read(&stage, article).await;
    assert_eq!(stage.ended(id, 1).await.outcome, "failed");
    let first = stage.used(MODEL, "tokens").await;
    assert!(first > 0 && first < i64::try_from(Prompt::MOST.total()).unwrap(), "{first}");
    stage.hurry_unless_final(id).await;
    stage.completed(id).await;
    let kept = store::sentiment::find(&stage.pool, article, ANALYZER).await.unwrap().unwrap();
    let second = kept.input_tokens.unwrap() + kept.output_tokens.unwrap();
    assert_eq!(stage.used(MODEL, "tokens").await, first + second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_keeps_failing_opens_the_breaker_of_its_key() {
    let mut stage = Stage::with_model().await;
    stage.fault(json!({"id": "F65"})).await;
    stage.only::<AnalyzeArticle>().await;
    for n in 0..5 {
        let article = outlet(&stage, &format!("story-{n}"), None, TimeDelta::hours(1)).await;
        read(&stage, article).await;
    }
    let breaker = wait_until("the breaker to open", || async {
        let breaker = stage.limit(MODEL).await.breaker;
        (breaker.state == "open").then_some(breaker)
    })
    .await;
    assert!(breaker.failures >= 5, "{breaker:?}");
    let requests = stage.requests("gemini").await;
    assert!((5..=8).contains(&requests), "{requests}: those under way when it opened, and no more");
}
