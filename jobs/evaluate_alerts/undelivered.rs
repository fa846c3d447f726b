//! A channel that has not delivered for an hour is reported over those that work, once an outage.

use bellwether_store::{
    self as store,
    notification::{Channel, Kind, NewNotification, Stuck},
};
use chrono::TimeDelta;

use super::{Round, words};
use crate::{
    Error, SendNotification,
    send_notification::{key, recipients},
};

/// Time after which the channel of an unsent message counts as down.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
/// Age from which a delivery says nothing about the channel any more.
const LATELY: TimeDelta = TimeDelta::minutes(90);
/// Time without a message after which a failure of the channel is another outage.
const ONE_OUTAGE: TimeDelta = TimeDelta::hours(24);
/// The note of a channel that is down and has been reported; sending a message clears it.
const REPORTED: &str = "undelivered";
/// The note of a channel that is down while no other one works.
const UNREPORTED: &str = "undeliverable";

impl Round<'_> {
    pub(super) async fn report_stuck_channels(&mut self) -> Result<(), Error> {
        let (since, tried) = (self.now - PATIENCE, self.now - LATELY);
        let stuck = store::notification::list_stuck(&mut *self.tx, since, tried).await?;
        let mut working = recipients(&self.cx.channels);
        working.retain(|(channel, _)| stuck.iter().all(|down| down.channel != *channel));
        for down in &stuck {
            let reason = if working.is_empty() { UNREPORTED } else { REPORTED };
            let key = key(down.channel);
            store::operator::expire(&mut *self.tx, key, reason, self.now - ONE_OUTAGE).await?;
            let detail = words::stuck_since(down);
            if store::operator::add(&mut *self.tx, key, reason, &detail).await? {
                tracing::error!(channel = key, "messages cannot be sent: {detail}");
                self.report(down, &working).await?;
            }
        }
        Ok(())
    }

    async fn report(&mut self, down: &Stuck, to: &[(Channel, String)]) -> Result<(), Error> {
        for (channel, recipient) in to {
            let (subject, body) = words::stuck(down, *channel, self.cx.simulated);
            let report = NewNotification {
                alert_id: down.alert_id,
                channel: *channel,
                recipient: recipient.clone(),
                kind: Kind::Undelivered,
                sequence: 0,
                subject,
                body,
                simulated: self.cx.simulated,
            };
            let notification = store::notification::add_next(&mut *self.tx, &report).await?;
            let send = SendNotification { notification, channel: *channel };
            self.attempt.enqueue(&mut self.tx, send).await?;
        }
        Ok(())
    }
}
