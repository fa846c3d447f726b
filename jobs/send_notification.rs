//! One message to one recipient. A message that may have been sent is looked for, never repeated
//! blindly. A channel that fails spends no attempt: the message is kept until it is sent, refused or
//! dropped because it no longer matters.
//!
//! Reads `notification`, `alert` and `suppression`; writes `delivery`, and `suppression` when the
//! recipient said stop.

use std::borrow::Cow;
use std::time::Duration;

use bellwether_domain::alert::{Outlived, Undelivered};
use bellwether_providers::{self as providers, Message, catalog::Entry, smtp, twilio, webhook};
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
    Error, Services,
    error::{LOOK_AGAIN, judged},
    evaluate_alerts::words::mark,
    permit::Granted,
    services::Wired,
};

pub const QUEUE: &str = "alert";
pub const SMS: &str = "sms";
pub const EMAIL: &str = "email";
pub const WEBHOOK: &str = "webhook";
const LOG: &str = "log";
/// The first and the longest wait before a message is tried again.
const SOON: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(15);

/// Each channel with the lane in which its messages wait, and the provider whose limit key they wait
/// for.
const CHANNELS: [(Channel, &str, &Entry); 3] = [
    (Channel::Sms, SMS, &twilio::ENTRY),
    (Channel::Email, EMAIL, &smtp::ENTRY),
    (Channel::Webhook, WEBHOOK, &webhook::ENTRY),
];

fn row(channel: Channel) -> Option<&'static (Channel, &'static str, &'static Entry)> {
    CHANNELS.iter().find(|(of, ..)| *of == channel)
}

/// The lane in which a channel's messages wait for its limit key.
fn lane(channel: Channel) -> &'static str {
    row(channel).map_or(LOG, |(_, lane, _)| *lane)
}

/// The channel's limit key.
pub(crate) fn key(channel: Channel) -> &'static str {
    row(channel).map_or(LOG, |(.., entry)| entry.name)
}

/// The lane of a provider's messages.
pub(crate) fn lane_of(entry: &Entry) -> Option<&'static str> {
    CHANNELS.iter().find(|(.., of)| *of == entry).map(|(_, lane, _)| *lane)
}

/// All recipients.
pub(crate) fn recipients(channels: &[Wired]) -> Vec<(Channel, String)> {
    let of = |one: &Wired| one.to.iter().map(|to| (one.channel, to.clone())).collect::<Vec<_>>();
    let all: Vec<_> = channels.iter().flat_map(of).collect();
    if all.is_empty() { vec![(Channel::Log, LOG.to_owned())] } else { all }
}

/// The client of a channel; `None` if the channel is off.
fn client(cx: &Services, channel: Channel) -> Option<&dyn providers::Channel> {
    cx.channels.iter().find(|one| one.channel == channel).map(|one| one.client.as_ref())
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
        let Some(client) = client(cx, message.channel) else { continue };
        let permit = Granted::new(attempt);
        let (to, since) = (&message.recipient, doubtful.started_at);
        let found = client.find(to, since, &doubtful.nonce, &permit).await?;
        if let Some(id) = found {
            attempt.log(format!("found: the try of {since} was taken"));
            return Ok(Some((doubtful.id, id)));
        }
        let why = "not found at the provider";
        store::delivery::end(&cx.pool, doubtful.id, delivery::State::Failed, None, Some(why))
            .await?;
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
    if message.channel == Channel::Log {
        tracing::info!(notification.id = message.id, "{}", message.body.trim_end());
        return Ok(LOG.to_owned());
    }
    let client = client(cx, message.channel).ok_or(Error::Off("channel of this message"))?;
    let alert =
        store::alert::find(&cx.pool, message.alert_id).await?.ok_or(Error::Gone("such alert"))?;
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
    let message = Message {
        to: message.recipient.clone(),
        subject: message.subject.clone(),
        text: message.body.clone(),
        payload,
        identity: format!("{}.{}", message.id, message.created_at.timestamp_micros()),
        nonce: nonce.to_owned(),
    };
    Ok(client.send(&message, &Granted::new(attempt)).await?)
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
