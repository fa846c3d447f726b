//! Messages that cannot be sent.

use bellwether_jobs::{EvaluateAlerts, SendNotification};
use bellwether_queue::{JobId, Registry, State as JobState};
use bellwether_store::{
    self as store, delivery,
    notification::{Channel, State},
};
use serde_json::json;

use crate::{
    send_notification::{TO, notification, send, state},
    stage::{Stage, hook, texts},
};

/// A worker whose webhook answers nothing but errors, and whose text messages work.
async fn broken_webhook() -> Stage {
    let mut stage = Stage::with(|settings, url| {
        settings.webhook = Some(hook(url));
        settings.sms = Some(texts(url));
    })
    .await;
    stage.fault(json!({"id": "F06", "match": "/webhook"})).await;
    stage.work(Registry::new().with::<SendNotification>().with::<EvaluateAlerts>()).await;
    stage
}

/// Lets all messages have waited for so long.
async fn wait_hours(stage: &Stage, hours: i32) {
    let age = "update notification set created_at = created_at - make_interval(hours => $1)";
    sqlx::query(age).bind(hours).execute(&stage.pool).await.unwrap();
}

async fn failing(stage: &Stage) -> (i64, JobId) {
    let id = notification(stage, Channel::Webhook, "webhook").await;
    let job = send(stage, id, "webhook").await;
    let attempt = stage.ended(job, 1).await;
    assert_eq!(attempt.outcome, "snoozed");
    assert!(attempt.error.unwrap().starts_with("transient"), "the webhook failed");
    (id, job)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_kept_and_spends_no_attempt_while_its_alert_fires() {
    let stage = broken_webhook().await;
    let (id, job) = failing(&stage).await;
    wait_hours(&stage, 30).await;
    stage.hurry(job).await;
    stage.ended(job, 2).await;
    let kept = stage.find(job).await.job;
    assert_eq!((kept.state, kept.attempt), (JobState::Scheduled, 0));
    assert_eq!(state(&stage, id).await, State::Queued);
    let now = store::now(&stage.pool).await.unwrap();
    let wait = (kept.due_at.unwrap() - now).as_seconds_f64();
    assert!((880.0..901.0).contains(&wait), "tried again in a quarter of an hour, not {wait} s");
    stage.fault(json!([])).await;
    stage.hurry(job).await;
    stage.completed(job).await;
    assert_eq!(state(&stage, id).await, State::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_alert_is_over_is_dropped_with_a_row_that_says_so() {
    let stage = broken_webhook().await;
    let (id, job) = failing(&stage).await;
    wait_hours(&stage, 1).await;
    let alert = store::notification::find(&stage.pool, id).await.unwrap().unwrap().alert_id;
    let now = store::now(&stage.pool).await.unwrap();
    assert!(store::alert::resolve(&stage.pool, alert, now).await.unwrap());
    stage.hurry(job).await;
    stage.completed(job).await;
    assert_eq!(state(&stage, id).await, State::Dropped);
    let tries = store::delivery::list(&stage.pool, id).await.unwrap();
    assert_eq!(tries[0].state, delivery::State::Dropped);
    assert_eq!(tries[0].error.as_deref(), Some("its alert is over"));
    assert_eq!(tries[1].state, delivery::State::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_down_for_an_hour_is_reported_once_over_another() {
    let stage = broken_webhook().await;
    let (_, job) = failing(&stage).await;
    let minute = |n: u32| EvaluateAlerts { symbol: None, cause: Some(format!("minute/{n}")) };
    stage.run(&minute(0)).await;
    assert_eq!(stage.outbox("sms").await.len(), 0, "it has not been down for long");

    wait_hours(&stage, 2).await;
    for n in 1..4 {
        stage.run(&minute(n)).await;
    }
    bellwether_testing::wait_until("the report", || async {
        (!stage.outbox("sms").await.is_empty()).then_some(())
    })
    .await;
    let texts = stage.outbox("sms").await;
    assert_eq!(texts.len(), 1);
    let text = texts[0].to_string();
    assert!(text.contains("Webhook calls cannot be delivered") && text.contains(TO), "{text}");
    let kinds = stage.words("select kind from notification where channel = 'sms'").await;
    assert_eq!(kinds, ["undelivered"]);
    let notes = stage.words("select key || ' ' || reason from operator_note").await;
    assert_eq!(notes, ["webhook undelivered"]);

    stage.fault(json!([])).await;
    stage.hurry_unless_final(job).await;
    stage.completed(job).await;
    assert_eq!(stage.count("select count(*) from operator_note").await, 0, "it works again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_without_another_is_noted_for_the_operator_alone() {
    let mut stage = Stage::with(|settings, url| settings.webhook = Some(hook(url))).await;
    stage.fault(json!({"id": "F06", "match": "/webhook"})).await;
    stage.work(Registry::new().with::<SendNotification>().with::<EvaluateAlerts>()).await;
    failing(&stage).await;
    wait_hours(&stage, 2).await;
    for n in 0..2 {
        let cause = Some(format!("minute/{n}"));
        stage.run(&EvaluateAlerts { symbol: None, cause }).await;
    }
    let notes = stage.words("select key || ' ' || reason from operator_note").await;
    assert_eq!(notes, ["webhook undeliverable"]);
    assert_eq!(stage.count("select count(*) from notification").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_takes_the_place_of_an_unsent_message() {
    let stage = broken_webhook().await;
    let (id, job) = failing(&stage).await;
    let first = store::notification::find(&stage.pool, id).await.unwrap().unwrap();
    let repeat = store::notification::NewNotification {
        alert_id: first.alert_id,
        channel: first.channel,
        recipient: first.recipient,
        kind: store::notification::Kind::Repeat,
        sequence: 0,
        subject: String::new(),
        body: "still so".to_owned(),
        simulated: false,
    };
    store::notification::add(&stage.pool, &repeat).await.unwrap().unwrap();
    stage.hurry(job).await;
    stage.completed(job).await;
    assert_eq!(state(&stage, id).await, State::Dropped);
}
