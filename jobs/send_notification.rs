//! One message to one recipient. A message that may have been sent is looked for, never repeated
//! blindly. A channel that fails spends no attempt: the message is kept until it is sent, refused or
//! dropped because it no longer matters.
//!
//! Reads `notification`, `alert` and `suppression`; writes `delivery`, and `suppression` when the
//! recipient said stop.

use std::borrow::Cow;
use std::time::Duration;

use bellwether_domain::alert::{Outlived, Undelivered};
use bellwether_providers::{self as providers, smtp::Email};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs,
    schemars::{Schema, schema_for},
};
use bellwether_store::{
    self as store,
    delivery::{self, Delivery},
    notification::{Channel, Kind, Notification, State},
};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Channels, Error, Services,
    error::{LOOK_AGAIN, judged},
    evaluate_alerts::words::mark,
    permit::Granted,
};

pub const QUEUE: &str = "alert";
pub const SMS: &str = "sms";
pub const EMAIL: &str = "email";
pub const WEBHOOK: &str = "webhook";
const LOG: &str = "log";
/// The first and the longest wait before a message is tried again.
const SOON: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(15);

/// The lane in which a channel's messages wait for its limit key.
pub(crate) const fn lane(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => SMS,
        Channel::Email => EMAIL,
        Channel::Webhook => WEBHOOK,
        Channel::Log => LOG,
    }
}

/// All recipients. The address of a webhook may contain its password, so it is named by its kind.
pub(crate) fn recipients(channels: &Channels) -> Vec<(Channel, String)> {
    let sms = channels.sms.iter().flat_map(|(_, to)| to).map(|to| (Channel::Sms, to.clone()));
    let email = channels.email.iter().flat_map(|(_, to)| to).map(|to| (Channel::Email, to.clone()));
    let hook = channels.webhook.iter().map(|_| (Channel::Webhook, WEBHOOK.to_owned()));
    let everybody: Vec<_> = sms.chain(email).chain(hook).collect();
    if everybody.is_empty() { vec![(Channel::Log, LOG.to_owned())] } else { everybody }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SendNotification {
    #[schemars(range(min = 1))]
    pub notification: i64,
    /// The notification's channel, in whose lane the job waits for its limit.
    #[schemars(with = "String", regex(pattern = "^(sms|email|webhook|log)$"))]
    pub channel: Channel,
}

impl JobArgs for SendNotification {
    const KIND: &'static str = "send_notification";
    const QUEUE: &'static str = QUEUE;
    const PRIORITY: u8 = 1;
    const MAX_ATTEMPTS: u16 = 10;

    fn lane(&self) -> Cow<'static, str> {
        lane(self.channel).into()
    }

    /// A notification is one episode, channel, recipient, kind and sequence.
    fn unique_key(&self) -> Option<String> {
        Some(self.notification.to_string())
    }

    fn backoff(attempt: u16) -> Option<Duration> {
        Some(Duration::from_secs(u64::from(attempt).pow(4).min(900)))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for SendNotification {
    type Context = Services;
    type Output = ();

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, Box::pin(self.work(&cx, attempt))).await
    }
}

impl SendNotification {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let message = store::notification::find(&cx.pool, self.notification)
            .await?
            .ok_or(Error::Gone("such notification"))?;
        if !matches!(message.state, State::Queued | State::Sending | State::Unknown) {
            attempt.log("the message is already sent, refused or dropped");
            return Ok(());
        }
        let now = store::now(&cx.pool).await?;
        let suppressed =
            store::suppression::find(&cx.pool, message.channel, &message.recipient).await?;
        if let Some(reason) = suppressed {
            attempt.log(format!("messages to this recipient are suppressed: {reason}"));
            let mut tx = cx.pool.begin().await?;
            store::notification::move_to(&mut *tx, message.id, State::Suppressed).await?;
            attempt.complete_in(&mut tx).await?;
            tx.commit().await?;
            return Ok(());
        }
        if message.channel != self.channel {
            return Err(Error::Gone("such notification of this channel"));
        }
        let found = look(cx, attempt, &message).await;
        if let Some(found) = found.map_err(|error| kept(error, &message, now))? {
            return sent(cx, attempt, &message, found.0, &found.1).await;
        }
        if let Some(reason) = outlived(cx, &message, now).await? {
            return dropped(cx, attempt, &message, reason).await;
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
                not_sent(cx, &message, delivery, &error).await?;
                Err(kept(error, &message, now))
            }
        }
    }
}

/// Looks up a message whose outcome is unknown. Returns the delivery and the provider's id of the
/// message if it was sent.
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

/// Sends the message; returns the provider's id of it.
async fn send(
    cx: &Services,
    attempt: &Attempt,
    message: &Notification,
    nonce: &str,
) -> Result<String, Error> {
    let permit = Granted::new(attempt);
    // the same for every repeat, and unique to this installation
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
                "title": if message.subject.is_empty() {
                    format!("{}{}", mark(message.simulated), alert.title)
                } else {
                    message.subject.clone()
                },
                "text": message.body,
                "simulated": message.simulated,
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

/// Wraps a failure of the channel, so that the message is kept: the waits double with its age.
fn kept(error: Error, message: &Notification, now: DateTime<Utc>) -> Error {
    use providers::Error::{Transient, Unknown, Unusable};
    let age = (now - message.created_at).to_std().unwrap_or_default();
    match error {
        Error::Provider(error @ Unknown { .. }) => {
            Error::Undelivered { error, after: age.clamp(LOOK_AGAIN, LONGEST) }
        }
        Error::Provider(error @ (Transient { .. } | Unusable { .. })) => {
            Error::Undelivered { error, after: age.clamp(SOON, LONGEST) }
        }
        error => error,
    }
}

/// The reason why the message no longer matters.
async fn outlived(
    cx: &Services,
    message: &Notification,
    now: DateTime<Utc>,
) -> Result<Option<Outlived>, Error> {
    let alert =
        store::alert::find(&cx.pool, message.alert_id).await?.ok_or(Error::Gone("such alert"))?;
    let undelivered = Undelivered {
        age: now - message.created_at,
        tells_firing: matches!(message.kind, Kind::Firing | Kind::Repeat),
        is_firing: alert.state == store::alert::State::Firing,
        is_repeated: store::notification::is_repeated(&cx.pool, message).await?,
    };
    Ok(undelivered.outlived())
}

async fn dropped(
    cx: &Services,
    attempt: &Attempt,
    message: &Notification,
    reason: Outlived,
) -> Result<(), Error> {
    attempt.log(format!("not sent: {reason}"));
    let mut tx = cx.pool.begin().await?;
    let number = i32::from(attempt.number());
    store::delivery::drop(&mut *tx, message.id, number, &reason.to_string()).await?;
    store::notification::move_to(&mut *tx, message.id, State::Dropped).await?;
    attempt.complete_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Stores the outcome of the delivery; the next step is decided by the caller.
async fn not_sent(
    cx: &Services,
    message: &Notification,
    delivery: i64,
    error: &Error,
) -> Result<(), Error> {
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
pub(crate) const fn key(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => providers::twilio::KEY,
        Channel::Email => providers::smtp::KEY,
        Channel::Webhook => providers::webhook::KEY,
        Channel::Log => LOG,
    }
}
