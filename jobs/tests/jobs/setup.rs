//! The limits, lanes and schedules that a worker defines when it starts.

use bellwether_jobs::{Model, Services, Settings, handlers, prepare, registry};
use bellwether_providers::{self as providers, Price, Prompt};
use bellwether_queue::{inspect, schedule};

use crate::stage::{QUEUES, Stage, gemini, openai};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preparing_twice_changes_nothing() {
    let stage = Stage::with_model().await;
    for _ in 0..2 {
        prepare(&stage.services, &QUEUES).await.unwrap();
    }
    let keys: Vec<String> =
        inspect::limits(&stage.pool).await.unwrap().into_iter().map(|l| l.key).collect();
    let expected = [
        "alpha_vantage",
        "gemini/gemini-3.5-flash-lite",
        "lexicon",
        "newsapi",
        "smtp",
        "twilio",
        "webhook",
    ];
    assert_eq!(keys, expected);
    let schedules = schedule::list(&stage.pool).await.unwrap();
    let names: Vec<_> = schedules.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["alerts", "feeds", "prune", "scrape", "signals-close", "signals-hourly"]);
    for s in &schedules {
        assert!(registry().job(&s.kind, &s.args).is_ok(), "{}", s.name);
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
    assert_eq!(stage.count(lane).await, 2, "the model and, behind it, the lexicon");
    prepare(&lexicon, &["analyzer"]).await.unwrap();
    assert_eq!(stage.count(lane).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_are_those_of_the_free_plans_and_a_model_reserves_what_it_may_cost() {
    let stage = Stage::at_scale(1.0, |settings, url| {
        let price = Price { input: 0.1, output: 0.4 };
        settings.models = vec![gemini(url).priced(price), openai(url)];
        let budget = "2 usd/day America/Los_Angeles".parse().unwrap();
        settings.plans.set_account(&providers::gemini::ENTRY, budget);
    })
    .await;
    let windows = async |key: &str| {
        let limit = stage.limit(key).await;
        let mut windows: Vec<_> =
            limit.windows.iter().map(|w| (w.dimension.clone(), w.amount)).collect();
        windows.sort();
        windows
    };
    let requests = |n| ("requests".to_owned(), n);
    assert_eq!(windows("alpha_vantage").await, [requests(1), requests(25)]);
    assert_eq!(windows("newsapi").await, [requests(50)]);
    let gemini = "gemini/gemini-3.5-flash-lite";
    let tokens = ("tokens".to_owned(), 250_000);
    assert_eq!(windows(gemini).await, [requests(15), requests(500), tokens]);
    assert_eq!(windows("gemini").await, [("money".to_owned(), 2_000_000)]);
    assert!(windows("lexicon").await.is_empty());

    let limit = stage.limit(gemini).await;
    assert_eq!(limit.parent.as_deref(), Some("gemini"));
    assert_eq!(limit.breaker.threshold, Some(5));
    let lane = limit.lanes.iter().find(|l| l.lane == "model").unwrap();
    assert_eq!(lane.tokens, i64::try_from(Prompt::MOST.total()).unwrap());
    assert_eq!(
        lane.micros,
        (f64::from(lane.tokens as i32 - 2_048) * 0.1 + 2_048.0 * 0.4).ceil() as i64
    );
    let order = "select array_to_string(array_agg(k.name order by x.position), ' ') = \
        'gemini/gemini-3.5-flash-lite openai/llama lexicon' from queue.lane_key x \
        join queue.lane l on l.id = x.lane join queue.limit_key k on k.id = x.key where l.name = 'model'";
    let in_order: bool = sqlx::query_scalar(order).fetch_one(&stage.pool).await.unwrap();
    assert!(in_order);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_of_another_family_has_the_limits_of_its_own_free_plan() {
    let stage = Stage::at_scale(1.0, |settings, url| {
        let flash = Model { name: "gemini-3.6-flash".to_owned(), ..gemini(url) };
        settings.models = vec![flash, Model { name: "gemma-4-31b-it".to_owned(), ..gemini(url) }];
    })
    .await;
    for (key, expected) in [
        ("gemini/gemini-3.6-flash", [5, 20, 250_000]),
        ("gemini/gemma-4-31b-it", [30, 14_400, 16_000]),
    ] {
        let windows = stage.limit(key).await.windows;
        let mut amounts: Vec<_> = windows.iter().map(|w| w.amount).collect();
        amounts.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(amounts, expected, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_holds_no_single_call_is_refused_with_the_reason() {
    let stage = Stage::new().await;
    let services = |budget: &str| {
        let price = Price { input: 10.0, output: 40.0 };
        let mut settings = Settings {
            models: vec![gemini("http://127.0.0.1:1").priced(price)],
            ..Settings::default()
        };
        settings.plans.set_account(&providers::gemini::ENTRY, budget.parse().unwrap());
        Services::new(stage.pool.clone(), settings).unwrap()
    };
    let error = prepare(&services("0.01 usd/day UTC"), &QUEUES).await.unwrap_err().to_string();
    assert!(error.contains("limit gemini: has a window of 10000, less than"), "{error}");
    prepare(&services("1 usd/day UTC"), &QUEUES).await.unwrap();
}

#[tokio::test]
async fn every_kind_that_is_known_is_handled() {
    let stage = Stage::new().await;
    let handlers = handlers(&stage.services);
    let known: Vec<_> = registry().kinds().map(|kind| kind.name).collect();
    assert_eq!(known.len(), 9);
    let handled: Vec<_> = handlers.registry().kinds().map(|kind| kind.name).collect();
    assert_eq!(handled, known);
}
