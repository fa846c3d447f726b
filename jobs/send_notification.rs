//! One message to one recipient. A message that may have been sent is looked for, never repeated
//! blindly.
//!
//! Reads `notification` and `suppression`; writes `delivery`, and `suppression` when the recipient
//! said stop.

use std::time::Duration;

use bellwether_providers::{self as providers, smtp::Email};
use bellwether_queue::{Attempt, Failure, Job, NewJob};
use bellwether_store::{
    self as store,
    delivery::{self, Delivery},
    notification::{Channel, Notification, State},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Channels, Error, Services, error::judged, permit::Granted};

pub const QUEUE: &str = "alert";
pub const SMS: &str = "sms";
pub const EMAIL: &str = "email";
pub const WEBHOOK: &str = "webhook";
const LOG: &str = "log";

/// The lane in which a channel's messages wait for its limit key.
pub(crate) const fn lane(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => SMS,
        Channel::Email => EMAIL,
        Channel::Webhook => WEBHOOK,
        Channel::Log => LOG,
    }
}

/// Everybody who is told. An address of a webhook may be its password, so it is named by its kind.
pub(crate) fn recipients(channels: &Channels) -> Vec<(Channel, String)> {
    let sms = channels.sms.iter().flat_map(|(_, to)| to).map(|to| (Channel::Sms, to.clone()));
    let email = channels.email.iter().flat_map(|(_, to)| to).map(|to| (Channel::Email, to.clone()));
    let hook = channels.webhook.iter().map(|_| (Channel::Webhook, WEBHOOK.to_owned()));
    let everybody: Vec<_> = sms.chain(email).chain(hook).collect();
    if everybody.is_empty() { vec![(Channel::Log, LOG.to_owned())] } else { everybody }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendNotification {
    pub notification: i64,
}

impl Job for SendNotification {
    const KIND: &'static str = "send_notification";
    const QUEUE: &'static str = QUEUE;
    const LANE: &'static str = LOG;
    const PRIORITY: u8 = 1;
    const MAX_ATTEMPTS: u16 = 10;
    const TIMEOUT: Duration = Duration::from_secs(90);
    type Context = Services;

    /// A notification is one episode, channel, recipient, kind and sequence.
    fn unique_key(&self) -> Option<String> {
        Some(self.notification.to_string())
    }

    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::from_secs(u64::from(attempt).pow(4).min(900)))
    }

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, Box::pin(self.work(&cx, attempt))).await
    }
}

impl SendNotification {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let message = store::notification::find(&cx.pool, self.notification)
            .await?
            .ok_or(Error::Gone("such notification"))?;
        if matches!(message.state, State::Sent | State::Failed | State::Suppressed) {
            attempt.log("it has come to its end before");
            return Ok(());
        }
        let suppressed =
            store::suppression::find(&cx.pool, message.channel, &message.recipient).await?;
        if let Some(reason) = suppressed {
            attempt.log(format!("the recipient must not be written to: {reason}"));
            let mut tx = cx.pool.begin().await?;
            store::notification::move_to(&mut *tx, message.id, State::Suppressed).await?;
            attempt.complete_in(&mut tx).await?;
            tx.commit().await?;
            return Ok(());
        }
        if attempt.key().is_none() && message.channel != Channel::Log {
            return self.change_lane(cx, attempt, message.channel).await;
        }
        if let Some(found) = look(cx, attempt, &message).await? {
            return sent(cx, attempt, &message, found.0, &found.1).await;
        }

        // written before the bytes leave, so that a crash leaves something to look for
        let nonce = format!("{:08x}", rand::random::<u32>());
        let mut tx = cx.pool.begin().await?;
        let number = i32::from(attempt.number());
        let delivery = store::delivery::add(&mut *tx, message.id, number, &nonce).await?;
        store::notification::move_to(&mut *tx, message.id, State::Sending).await?;
        tx.commit().await?;

        match send(cx, attempt, &message, &nonce).await {
            Ok(provider_id) => sent(cx, attempt, &message, delivery, &provider_id).await,
            Err(error) => {
                not_sent(cx, attempt, &message, delivery, &error).await?;
                Err(error)
            }
        }
    }
}

impl SendNotification {
    /// Whoever asks for a message by its number does not know its lane, and outside of it nothing
    /// would hold the provider's limit.
    async fn change_lane(
        &self,
        cx: &Services,
        attempt: &Attempt,
        channel: Channel,
    ) -> Result<(), Error> {
        let mut tx = cx.pool.begin().await?;
        let lane = lane(channel);
        let job = NewJob {
            lane: lane.to_owned(),
            unique_key: Some(format!("{}/{lane}", self.notification)),
            ..NewJob::of(self)?
        };
        if attempt.add(&mut tx, job).await?.id == attempt.job() {
            return Err(Error::Off("limit key of this channel"));
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A try that broke off where the provider may have taken the message: was it taken? Returns the
/// try and the provider's name for the message.
async fn look(
    cx: &Services,
    attempt: &Attempt,
    message: &Notification,
) -> Result<Option<(i64, String)>, Error> {
    let tries = store::delivery::list(&cx.pool, message.id).await?;
    let open =
        |d: &Delivery| matches!(d.state, delivery::State::Sending | delivery::State::Unknown);
    for doubtful in tries.into_iter().filter(open) {
        if let (Channel::Sms, Some((twilio, _))) = (message.channel, &cx.channels.sms) {
            let found = twilio
                .find_by_nonce(
                    &message.recipient,
                    doubtful.started_at,
                    &doubtful.nonce,
                    &Granted::new(attempt),
                )
                .await
                .map_err(Error::Provider)?;
            if let Some(found) = found {
                attempt.log(format!("found: the try of {} was taken", doubtful.started_at));
                return Ok(Some((doubtful.id, found.sid)));
            }
            let why = "not found at the provider";
            store::delivery::end(&cx.pool, doubtful.id, delivery::State::Failed, None, Some(why))
                .await?;
        }
        // a repeated e-mail carries the same Message-ID and a repeated webhook the same key, so
        // the reader sees one
    }
    Ok(None)
}

/// Hands the message over; returns the provider's name for it.
async fn send(
    cx: &Services,
    attempt: &Attempt,
    message: &Notification,
    nonce: &str,
) -> Result<String, Error> {
    let permit = Granted::new(attempt);
    // the same for every repeat, and of this installation
    let identity = format!("{}.{}", message.id, message.created_at.timestamp_micros());
    match message.channel {
        Channel::Sms => {
            let (twilio, _) = cx.channels.sms.as_ref().ok_or(Error::Off("text message service"))?;
            let sent = twilio.send(&message.recipient, &message.body, nonce, &permit).await?;
            Ok(sent.sid)
        }
        Channel::Email => {
            let (smtp, _) = cx.channels.email.as_ref().ok_or(Error::Off("mail server"))?;
            let email = Email {
                to: message.recipient.clone(),
                subject: message.subject.clone(),
                body: message.body.clone(),
                message_id: format!("{identity}@bellwether"),
            };
            Ok(smtp.send(&email, &permit).await?.message_id)
        }
        Channel::Webhook => {
            let webhook = cx.channels.webhook.as_ref().ok_or(Error::Off("webhook"))?;
            let alert = store::alert::find(&cx.pool, message.alert_id)
                .await?
                .ok_or(Error::Gone("such alert"))?;
            let payload = json!({
                "id": message.id.to_string(),
                "kind": message.kind,
                "title": alert.title,
                "text": message.body,
                "alert": {
                    "id": alert.id.to_string(),
                    "kind": alert.kind,
                    "symbol": alert.symbol,
                    "severity": alert.severity,
                    "state": alert.state,
                    "detail": alert.detail,
                    "fired_at": alert.fired_at,
                    "resolved_at": alert.resolved_at,
                },
            });
            webhook.send(&payload, &identity, &permit).await?;
            Ok(identity)
        }
        Channel::Log => {
            tracing::info!(notification.id = message.id, "{}", message.body.trim_end());
            Ok(LOG.to_owned())
        }
    }
}

async fn sent(
    cx: &Services,
    attempt: &Attempt,
    message: &Notification,
    delivery: i64,
    provider_id: &str,
) -> Result<(), Error> {
    let mut tx = cx.pool.begin().await?;
    store::delivery::end(&mut *tx, delivery, delivery::State::Sent, Some(provider_id), None)
        .await?;
    store::notification::move_to(&mut *tx, message.id, State::Sent).await?;
    store::operator::clear(&mut *tx, key(message.channel)).await?;
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes how far it came; what happens next is decided elsewhere.
async fn not_sent(
    cx: &Services,
    attempt: &Attempt,
    message: &Notification,
    delivery: i64,
    error: &Error,
) -> Result<(), Error> {
    let is_last = attempt.number() >= attempt.max_attempts();
    let (of_try, of_message) = match error {
        Error::Provider(providers::Error::Unknown { .. }) => {
            (delivery::State::Unknown, State::Unknown)
        }
        Error::Provider(providers::Error::Refused { reason, .. }) if reason == "unsubscribed" => {
            (delivery::State::Failed, State::Suppressed)
        }
        Error::Provider(providers::Error::Refused { .. }) | Error::Off(_) | Error::Gone(_) => {
            (delivery::State::Failed, State::Failed)
        }
        Error::Provider(providers::Error::Transient { .. } | providers::Error::Unusable { .. })
            if is_last =>
        {
            (delivery::State::Failed, State::Failed)
        }
        _ => (delivery::State::Failed, State::Queued),
    };
    let mut tx = cx.pool.begin().await?;
    let text = error.to_string();
    store::delivery::end(&mut *tx, delivery, of_try, None, Some(&text)).await?;
    store::notification::move_to(&mut *tx, message.id, of_message).await?;
    if of_message == State::Suppressed {
        store::suppression::add(&mut *tx, message.channel, &message.recipient, &text).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The channel's limit key.
const fn key(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => providers::twilio::KEY,
        Channel::Email => providers::smtp::KEY,
        Channel::Webhook => providers::webhook::KEY,
        Channel::Log => LOG,
    }
}
