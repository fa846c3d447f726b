//! Messages to people.

use bellwether_domain::alert::{Kind as RuleKind, Rule};
use bellwether_jobs::{SendNotification, Settings};
use bellwether_queue::{JobId, NewJob, State as JobState};
use bellwether_store::{
    self as store,
    alert::{NewAlert, Severity},
    delivery,
    notification::{Channel, Kind, NewNotification, State},
    rule::NewRule,
};
use serde_json::json;

use crate::stage::{Stage, hook, mail, symbol, texts};

pub(crate) const TO: &str = "+14155550100";

pub(crate) async fn notification(stage: &Stage, channel: Channel, recipient: &str) -> i64 {
    let rule = NewRule::new(&Rule::new("test", RuleKind::Divergence), Severity::Info);
    let rule_id = store::rule::add(&stage.pool, &rule).await.unwrap().unwrap();
    let alert = NewAlert {
        rule_id,
        symbol: Some(symbol("AAPL")),
        key: String::new(),
        episode: 1,
        kind: "divergence".to_owned(),
        severity: Severity::Info,
        title: "AAPL fell".to_owned(),
        detail: json!({}),
        at: store::now(&stage.pool).await.unwrap(),
        firing: true,
    };
    let alert_id = store::alert::add(&stage.pool, &alert).await.unwrap().unwrap();
    let new = NewNotification {
        alert_id,
        channel,
        recipient: recipient.to_owned(),
        kind: Kind::Firing,
        sequence: 0,
        subject: "AAPL fell".to_owned(),
        body: "AAPL fell 12 %".to_owned(),
        simulated: false,
    };
    store::notification::add(&stage.pool, &new).await.unwrap().unwrap()
}

/// Adds the job in the lane of its channel.
pub(crate) async fn send(stage: &Stage, notification: i64, lane: &str) -> JobId {
    let channel = serde_json::from_value(json!(lane)).unwrap();
    let job = SendNotification { notification, channel };
    stage.add_prepared(NewJob::from(job).unique_key(bellwether_testing::unique("again"))).await
}

pub(crate) async fn state(stage: &Stage, notification: i64) -> State {
    store::notification::find(&stage.pool, notification).await.unwrap().unwrap().state
}

async fn stage(change: impl FnOnce(&mut Settings, &str)) -> Stage {
    let mut stage = Stage::with(change).await;
    stage.only::<SendNotification>().await;
    stage
}

async fn sms_stage() -> Stage {
    stage(|settings, url| settings.sms = Some(texts(url))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_channel_a_message_goes_to_the_log_and_counts_as_sent() {
    let stage = stage(|_, _| {}).await;
    let id = notification(&stage, Channel::Log, "log").await;
    let job = send(&stage, id, "log").await;
    stage.completed(job).await;
    assert_eq!(state(&stage, id).await, State::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_is_sent_once_however_often_the_job_runs() {
    let stage = sms_stage().await;
    let id = notification(&stage, Channel::Sms, TO).await;
    for _ in 0..2 {
        let job = send(&stage, id, "sms").await;
        stage.completed(job).await;
    }
    assert_eq!(stage.outbox("sms").await.len(), 1);
    assert_eq!(state(&stage, id).await, State::Sent);
    let tries = store::delivery::list(&stage.pool, id).await.unwrap();
    assert_eq!(tries.len(), 1);
    assert!(tries[0].provider_id.as_ref().unwrap().starts_with("SM"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_asked_for_over_another_channel_is_refused() {
    let stage = sms_stage().await;
    let notification = notification(&stage, Channel::Sms, TO).await;
    let job = stage.add(&SendNotification { notification, channel: Channel::Log }).await;
    let end = stage.ended(job, 1).await;
    assert_eq!((end.outcome.as_str(), end.code.as_deref()), ("discarded", Some("gone")));
    assert_eq!(stage.outbox("sms").await.len(), 0);
    assert_eq!(state(&stage, notification).await, State::Queued);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_answer_was_lost_is_found_and_not_sent_again() {
    for fault in ["F05", "F82"] {
        let stage = sms_stage().await;
        stage.fault(json!({"id": fault, "count": 1})).await;
        let id = notification(&stage, Channel::Sms, TO).await;
        let job = send(&stage, id, "sms").await;
        assert_eq!(stage.ended(job, 1).await.outcome, "snoozed", "{fault}");
        assert_eq!(state(&stage, id).await, State::Unknown);
        stage.hurry_unless_final(job).await;
        stage.completed(job).await;
        assert_eq!(state(&stage, id).await, State::Sent);
        assert_eq!(stage.outbox("sms").await.len(), 1, "{fault}");
        let tries = store::delivery::list(&stage.pool, id).await.unwrap();
        assert_eq!(tries.len(), 1);
        assert_eq!(tries[0].state, delivery::State::Sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_a_crash_left_behind_is_sent_if_it_is_not_found() {
    let stage = sms_stage().await;
    let id = notification(&stage, Channel::Sms, TO).await;
    store::delivery::add(&stage.pool, id, 1, "0badcafe").await.unwrap();
    store::notification::move_to(&stage.pool, id, State::Sending).await.unwrap();
    let job = send(&stage, id, "sms").await;
    stage.completed(job).await;
    assert_eq!(stage.outbox("sms").await.len(), 1);
    let tries = store::delivery::list(&stage.pool, id).await.unwrap();
    assert_eq!(tries[1].state, delivery::State::Failed);
    assert_eq!(tries[0].state, delivery::State::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_texts_wait_without_spending_an_attempt() {
    let stage = sms_stage().await;
    stage.fault(json!({"id": "F81", "count": 1})).await;
    let id = notification(&stage, Channel::Sms, TO).await;
    let job = send(&stage, id, "sms").await;
    assert_eq!(stage.ended(job, 1).await.outcome, "throttled");
    stage.completed(job).await;
    assert_eq!(stage.find(job).await.job.attempt, 1);
    assert_eq!(stage.outbox("sms").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_replied_stop_is_never_written_to_again() {
    let stage = sms_stage().await;
    stage.fault(json!({"id": "F84", "count": 1})).await;
    let id = notification(&stage, Channel::Sms, TO).await;
    let job = send(&stage, id, "sms").await;
    assert_eq!(stage.ended(job, 1).await.outcome, "discarded");
    assert_eq!(state(&stage, id).await, State::Suppressed);
    let why = store::suppression::find(&stage.pool, Channel::Sms, TO).await.unwrap();
    assert!(why.unwrap().contains("unsubscribed"));

    let alert = store::notification::find(&stage.pool, id).await.unwrap().unwrap().alert_id;
    let again = NewNotification {
        alert_id: alert,
        channel: Channel::Sms,
        recipient: TO.to_owned(),
        kind: Kind::Repeat,
        sequence: 0,
        subject: String::new(),
        body: "still".to_owned(),
        simulated: false,
    };
    let again = store::notification::add(&stage.pool, &again).await.unwrap().unwrap();
    let job = send(&stage, again, "sms").await;
    stage.completed(job).await;
    assert_eq!(state(&stage, again).await, State::Suppressed);
    assert_eq!(stage.outbox("sms").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_number_is_refused_for_good() {
    let stage = sms_stage().await;
    let id = notification(&stage, Channel::Sms, "+15005550001").await;
    let job = send(&stage, id, "sms").await;
    assert_eq!(stage.ended(job, 1).await.outcome, "discarded");
    assert_eq!(stage.find(job).await.job.state, JobState::Discarded);
    assert_eq!(state(&stage, id).await, State::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_gets_the_alert_under_one_idempotency_key() {
    let stage = stage(|settings, url| settings.webhook = Some(hook(url))).await;
    stage.fault(json!({"id": "F06", "match": "/webhook", "count": 1})).await;
    let id = notification(&stage, Channel::Webhook, "webhook").await;
    let job = send(&stage, id, "webhook").await;
    stage.completed(job).await;
    let calls = stage.outbox("webhook").await;
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["payload"]["alert"]["symbol"], "AAPL");
    let key = calls[0]["idempotency_key"].as_str().unwrap();
    assert!(key.starts_with(&format!("{id}.")), "{key}");
    assert_eq!(stage.find(job).await.job.attempt, 1, "a failing channel spends no attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_mail_carries_the_same_message_id() {
    // the mail server's address is known only once the sandbox runs
    let sandbox = Stage::new().await;
    let url = sandbox.smtp_url();
    let stage = stage(|settings, _| settings.email = Some(mail(&url))).await;
    sandbox.fault(json!({"id": "F86", "count": 1})).await;
    let id = notification(&stage, Channel::Email, "me@example.org").await;
    let job = send(&stage, id, "email").await;
    assert_eq!(stage.ended(job, 1).await.outcome, "snoozed");
    assert_eq!(state(&stage, id).await, State::Unknown);
    stage.hurry_unless_final(job).await;
    stage.completed(job).await;
    let mails = sandbox.outbox("email").await;
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0]["message_id"], mails[1]["message_id"]);
    assert_eq!(mails[0]["subject"], "AAPL fell");
}
