//! Rules, episodes and messages.

use bellwether_domain::alert::{Condition, Kind, Metric, Op, Rule};
use bellwether_jobs::{EvaluateAlerts, SendNotification, Settings};
use bellwether_queue::{Registry, limits};
use bellwether_store::{
    self as store,
    alert::{Severity, State},
    rule::NewRule,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::time::Duration;

use crate::stage::{Stage, hook, mail, symbol, texts};

fn aapl(cause: &str) -> EvaluateAlerts {
    EvaluateAlerts { symbol: Some(symbol("AAPL")), cause: Some(cause.to_owned()) }
}

/// A stage with one rule: AAPL crosses 90 from above, and is over at 95.
async fn crossing(change: impl FnOnce(&mut Settings, &str)) -> Stage {
    let mut stage = Stage::with(change).await;
    let rule = Rule {
        symbol: Some(symbol("AAPL")),
        fire: Some(Condition::test(Metric::Price, Op::Below, 90.0)),
        recover: Some(Condition::test(Metric::Price, Op::AtLeast, 95.0)),
        ..Rule::new("below-90", Kind::PriceCross)
    };
    let rule = NewRule::new(&rule, Severity::Critical);
    store::rule::add(&stage.pool, &rule).await.unwrap();
    stage.only::<EvaluateAlerts>().await;
    stage
}

/// A quote of the newest session.
pub(crate) async fn quote(stage: &Stage, price: i64) {
    let now = store::now(&stage.pool).await.unwrap();
    let day: NaiveDate = bellwether_domain::calendar::last_begun(now).day;
    let quote = bellwether_domain::Quote {
        symbol: symbol("AAPL"),
        trading_day: day,
        price: Decimal::from(price),
        open: None,
        high: None,
        low: None,
        // near enough that no daily band is reached
        previous_close: Some(Decimal::from(price)),
        volume: None,
    };
    let mut conn = stage.pool.pool().acquire().await.unwrap();
    store::quote::add(&mut conn, &quote, "test").await.unwrap();
}

async fn states(stage: &Stage) -> Vec<State> {
    let alerts = store::alert::list_by_symbol(&stage.pool, &symbol("AAPL"), None, 10).await;
    alerts.unwrap().into_iter().map(|alert| alert.state).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_episode_fires_once_and_its_end_is_sent_after_the_interval() {
    let stage = crossing(|settings, _| settings.notify.group_interval_s = 1).await;
    quote(&stage, 100).await;
    stage.run(&aapl("observation/1")).await;
    assert_eq!(states(&stage).await, []);

    quote(&stage, 88).await;
    stage.run(&aapl("observation/2")).await;
    assert_eq!(states(&stage).await, [State::Firing]);
    assert_eq!(stage.keys_of::<SendNotification>().await.len(), 1);
    stage.run(&aapl("observation/3")).await;
    assert_eq!(stage.keys_of::<SendNotification>().await.len(), 1);

    quote(&stage, 97).await;
    stage.run(&aapl("observation/4")).await;
    assert_eq!(states(&stage).await, [State::Resolved]);
    bellwether_testing::wait_until("the message about the end", || async {
        (stage.keys_of::<SendNotification>().await.len() == 2).then_some(())
    })
    .await;
    let told = "select count(*) from notification where channel = 'log' and recipient = 'log'
        and kind in ('firing', 'resolved') and sequence = 0";
    assert_eq!(stage.count(told).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_waits_for_company_and_then_goes_by_itself() {
    let stage = crossing(|settings, _| settings.notify.group_wait_s = 1).await;
    quote(&stage, 100).await;
    stage.run(&aapl("observation/1")).await;
    quote(&stage, 88).await;
    stage.run(&aapl("observation/2")).await;
    assert_eq!(states(&stage).await, [State::Firing]);
    assert_eq!(stage.keys_of::<SendNotification>().await.len(), 0);
    bellwether_testing::wait_until("the message", || async {
        (stage.keys_of::<SendNotification>().await.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_that_is_too_old_raises_nothing() {
    let stage = crossing(|_, _| {}).await;
    for (day, price) in [("2026-01-05", 100), ("2026-01-06", 80)] {
        let quote = bellwether_domain::Quote {
            symbol: symbol("AAPL"),
            trading_day: day.parse().unwrap(),
            price: Decimal::from(price),
            open: None,
            high: None,
            low: None,
            previous_close: None,
            volume: None,
        };
        let mut conn = stage.pool.pool().acquire().await.unwrap();
        store::quote::add(&mut conn, &quote, "test").await.unwrap();
        stage.run(&aapl(day)).await;
    }
    assert_eq!(states(&stage).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_alert_is_not_repeated() {
    let stage = crossing(|settings, _| settings.notify.repeat_s = 1).await;
    quote(&stage, 100).await;
    stage.run(&aapl("observation/1")).await;
    quote(&stage, 88).await;
    stage.run(&aapl("observation/2")).await;
    bellwether_testing::wait_until("a repeat", || async {
        (stage.keys_of::<SendNotification>().await.len() >= 2).then_some(())
    })
    .await;
    let alert = store::alert::list_recent(&stage.pool, None, 1).await.unwrap().remove(0);
    let now = store::now(&stage.pool).await.unwrap();
    store::alert::acknowledge(&stage.pool, alert.id, "me", now).await.unwrap();
    stage.run(&aapl("observation/3")).await;
    stage.run(&aapl("observation/4")).await;
    let state: serde_json::Value = sqlx::query_scalar(
        "select state from alert_state s join rule r on r.id = s.rule_id
         where r.name = 'below-90' and next_timer is null",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert!(state["group"].to_string().contains("\"me\""), "{state}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_used_up_raises_one_alert_of_no_share() {
    let mut stage = Stage::new().await;
    stage.only::<EvaluateAlerts>().await;
    let mut conn = stage.pool.pool().acquire().await.unwrap();
    limits::park(&mut conn, "newsapi", Duration::from_hours(6), "used up").await.unwrap();
    let minute = EvaluateAlerts { symbol: None, cause: Some("minute".to_owned()) };
    stage.run(&minute).await;
    stage.run(&minute).await;
    let alerts = store::alert::list_recent(&stage.pool, None, 10).await.unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].kind.as_str(), &alerts[0].symbol), ("quota_exhausted", &None));
    assert_eq!(alerts[0].title, "newsapi has no calls left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_symbol_and_cause_every_watched_symbol_is_evaluated() {
    let mut stage = Stage::new().await;
    stage.only::<EvaluateAlerts>().await;
    let id = stage.run(&EvaluateAlerts::default()).await;
    stage.idle().await;
    let request = format!("/request/{id}");
    let keys = stage.keys_of::<EvaluateAlerts>().await;
    assert_eq!(keys.iter().filter(|key| key.ends_with(&request)).count(), 2, "{keys:?}");
    let states = "select count(distinct symbol) from alert_state";
    assert_eq!(stage.count(states).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_snoozed_alert_is_silent() {
    let stage = crossing(|settings, _| settings.notify.group_interval_s = 0).await;
    quote(&stage, 100).await;
    stage.run(&aapl("observation/1")).await;
    quote(&stage, 88).await;
    stage.run(&aapl("observation/2")).await;
    let alert = store::alert::list_recent(&stage.pool, None, 1).await.unwrap().remove(0);
    let later = store::now(&stage.pool).await.unwrap() + chrono::TimeDelta::hours(1);
    store::alert::snooze(&stage.pool, alert.id, later).await.unwrap();
    stage.run(&aapl("observation/3")).await;
    quote(&stage, 97).await;
    stage.run(&aapl("observation/4")).await;
    assert_eq!(states(&stage).await, [State::Resolved]);
    assert_eq!(stage.keys_of::<SendNotification>().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evaluations_of_one_symbol_take_turns_and_the_newest_price_wins() {
    let stage = crossing(|_, _| {}).await;
    quote(&stage, 100).await;
    stage.run(&aapl("observation/1")).await;
    let mut turn = stage.pool.begin().await.unwrap();
    let aapl_turn = store::turn::Turn::Alerts;
    store::turn::take(&mut turn, aapl_turn, &symbol("AAPL")).await.unwrap();
    // claimed while the price is 100, decided once it is 88
    let id = stage.add(&aapl("observation/2")).await;
    bellwether_testing::wait_until("a waiting evaluation", || async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock' and wait_event = 'advisory'";
        (stage.count(waiting).await > 0).then_some(())
    })
    .await;
    quote(&stage, 88).await;
    turn.commit().await.unwrap();
    stage.completed(id).await;
    assert_eq!(states(&stage).await, [State::Firing]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_symbol_leaves_no_timer() {
    let mut stage = Stage::new().await;
    stage.only::<EvaluateAlerts>().await;
    let about = |text: &str| EvaluateAlerts {
        symbol: Some(symbol(text)),
        cause: Some("request/1".to_owned()),
    };
    stage.run(&about("NOSUCH")).await;
    assert_eq!(stage.count("select count(*) from alert_state where symbol = 'NOSUCH'").await, 0);
    stage.run(&about("AAPL")).await;
    assert!(stage.count("select count(*) from alert_state where symbol = 'AAPL'").await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_about_invented_data_says_so_first() {
    let mut stage = crossing(|settings, url| {
        settings.simulated = true;
        settings.notify.group_interval_s = 1;
        settings.sms = Some(texts(url));
        settings.webhook = Some(hook(url));
    })
    .await;
    let smtp = stage.smtp_url();
    stage.reconfigure(|settings| settings.email = Some(mail(&smtp))).await;
    let registry = || Registry::new().with::<EvaluateAlerts>().with::<SendNotification>();
    stage.work(registry()).await;
    quote(&stage, 100).await;
    stage.run(&aapl("observation/1")).await;
    quote(&stage, 88).await;
    stage.run(&aapl("observation/2")).await;
    stage.idle_of::<SendNotification>().await;

    // the episode was raised by an invented price, so its end is marked though prices are real now
    stage.reconfigure(|settings| settings.simulated = false).await;
    stage.work(registry()).await;
    quote(&stage, 97).await;
    stage.run(&aapl("observation/3")).await;
    bellwether_testing::wait_until("the message about the end", || async {
        (stage.outbox("sms").await.len() == 2).then_some(())
    })
    .await;
    stage.idle_of::<SendNotification>().await;

    let is_marked = |text: &serde_json::Value| text.as_str().unwrap().starts_with("[SIMULATED] ");
    for (channel, fields) in
        [("sms", &["/body"][..]), ("email", &["/subject"]), ("webhook", &["/payload/title"])]
    {
        let sent = stage.outbox(channel).await;
        assert_eq!(sent.len(), 2, "{channel}");
        for message in sent {
            for field in fields {
                assert!(is_marked(message.pointer(field).unwrap()), "{channel}: {message}");
            }
        }
    }
    for message in stage.outbox("webhook").await {
        assert!(is_marked(&message["payload"]["text"]), "{message}");
        assert_eq!(message["payload"]["simulated"], true);
    }
    for message in stage.outbox("email").await {
        let raw = message["raw"].as_str().unwrap();
        assert!(raw.split("\r\n\r\n").nth(1).unwrap().starts_with("[SIMULATED] "), "{raw}");
    }
}
