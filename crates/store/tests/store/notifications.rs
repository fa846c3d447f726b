//! Messages, the tries to send them, and whom not to write to.

use bellwether_domain::alert as engine;
use bellwether_store::alert::{NewAlert, Severity};
use bellwether_store::notification::{Channel, Kind, NewNotification, State};
use bellwether_store::rule::NewRule;
use bellwether_store::{alert, delivery, notification, rule, suppression};
use bellwether_testing::at;
use serde_json::json;
use sqlx::PgPool;

use crate::knowing;

async fn message(pool: &PgPool) -> NewNotification {
    let of = NewRule::new(&engine::Rule::new("q", engine::Kind::QuotaExhausted), Severity::Info);
    let rule_id = rule::add(pool, &of).await.unwrap().unwrap();
    let alert_id = alert::add(
        pool,
        &NewAlert {
            rule_id,
            symbol: None,
            key: "newsapi".to_owned(),
            episode: 1,
            kind: "quota_exhausted".to_owned(),
            severity: Severity::Info,
            title: "newsapi is used up".to_owned(),
            detail: json!({}),
            at: at("2026-11-20T12:00:00Z"),
            firing: true,
        },
    )
    .await
    .unwrap()
    .unwrap();
    NewNotification {
        alert_id,
        channel: Channel::Sms,
        recipient: "+15550100".to_owned(),
        kind: Kind::Firing,
        sequence: 0,
        subject: String::new(),
        body: "newsapi is used up".to_owned(),
        simulated: true,
    }
}

#[tokio::test]
async fn a_message_is_added_once() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let new = message(&pool).await;
    let id = notification::add(&pool, &new).await.unwrap().unwrap();
    assert_eq!(notification::add(&pool, &new).await.unwrap(), None);
    let repeat = NewNotification { kind: Kind::Repeat, ..new.clone() };
    let by_mail = NewNotification { channel: Channel::Email, ..new.clone() };
    assert!(notification::add(&pool, &repeat).await.unwrap().is_some());
    assert!(notification::add(&pool, &by_mail).await.unwrap().is_some());
    let kept = notification::find(&pool, id).await.unwrap().unwrap();
    assert_eq!((kept.channel, kept.kind, kept.state), (Channel::Sms, Kind::Firing, State::Queued));
    assert!(kept.simulated);
    assert_eq!(notification::list_by_alert(&pool, new.alert_id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_sent_message_stays_sent() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let id = notification::add(&pool, &message(&pool).await).await.unwrap().unwrap();
    for state in [State::Sending, State::Unknown, State::Sent] {
        assert!(notification::move_to(&pool, id, state).await.unwrap(), "{state:?}");
    }
    assert!(!notification::move_to(&pool, id, State::Failed).await.unwrap());
    let kept = notification::find(&pool, id).await.unwrap().unwrap();
    assert_eq!(kept.state, State::Sent);
    assert!(kept.sent_at.is_some());
}

#[tokio::test]
async fn a_try_ends_once_unless_its_end_was_unknown() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let id = notification::add(&pool, &message(&pool).await).await.unwrap().unwrap();
    let try_id = delivery::add(&pool, id, 1, "nonce").await.unwrap();
    let end = async |state, sid| delivery::end(&pool, try_id, state, sid, None).await.unwrap();
    assert!(!end(delivery::State::Sending, None).await);
    assert!(end(delivery::State::Unknown, None).await);
    assert!(end(delivery::State::Sent, Some("SM1")).await);
    assert!(!end(delivery::State::Failed, None).await);
    let newer = delivery::add(&pool, id, 1, "nonce").await.unwrap();
    let tries = delivery::list(&pool, id).await.unwrap();
    assert_eq!(tries.iter().map(|t| t.id).collect::<Vec<_>>(), [newer, try_id]);
    assert_eq!(tries[0].ended_at, None);
    assert_eq!(tries[1].state, delivery::State::Sent);
    assert_eq!(tries[1].provider_id.as_deref(), Some("SM1"));
}

#[tokio::test]
async fn a_recipient_is_suppressed_once_for_the_first_reason() {
    let db = knowing(&[]).await;
    let pool = db.pool();
    let add = async |reason| suppression::add(&pool, Channel::Sms, "+1", reason).await.unwrap();
    assert_eq!(suppression::find(&pool, Channel::Sms, "+1").await.unwrap(), None);
    assert!(add("21610").await);
    assert!(!add("again").await);
    let reason = suppression::find(&pool, Channel::Sms, "+1").await.unwrap();
    assert_eq!(reason.as_deref(), Some("21610"));
    assert_eq!(suppression::find(&pool, Channel::Email, "+1").await.unwrap(), None);
}
