//! One step of one rule of one symbol, with all that it leads to.

use std::collections::BTreeSet;

use bellwether_domain::{
    Symbol,
    alert::{self as engine, Act, Phase, Policy, Transition, notify},
};
use bellwether_queue::{JobArgs, event};
use bellwether_store::{
    self as store,
    alert::NewAlert,
    notification::{Channel, NewNotification},
    rule::Rule,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{EvaluateAlerts, Round, facts::Facts, words};
use crate::{Error, SendNotification, send_notification};

/// Field of an alert's detail: it was raised while prices, news or readings were simulated.
const SIMULATED: &str = "simulated";

/// State of a rule for a symbol.
#[derive(Serialize, Deserialize)]
struct Memory {
    engine: engine::State,
    group: notify::Group,
    /// Time of the data of the last event; the same data leads to no second event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fresh_at: Option<DateTime<Utc>>,
    /// Open alerts whose acknowledgement has been processed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    acknowledged: BTreeSet<i64>,
}

impl Round<'_> {
    /// Evaluates a rule with the current facts.
    pub(super) async fn evaluate(
        &mut self,
        rule: &Rule,
        engine_rule: &engine::Rule,
        symbol: Option<&Symbol>,
        facts: &Facts,
    ) -> Result<(), Error> {
        let kept = store::alert_state::lock(&mut self.tx, rule.id, symbol).await?;
        let mut memory: Memory =
            kept.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_else(|| Memory {
                engine: engine::State::new(engine_rule, symbol.cloned(), self.now),
                group: notify::Group::new(symbol.cloned()),
                fresh_at: None,
                acknowledged: BTreeSet::new(),
            });
        let happened = facts.event(engine_rule.kind, &mut memory.fresh_at);
        let acts = self.acts(rule, symbol, &mut memory).await?;
        let policy = Policy { settings: &self.cx.notify, silences: &[] };
        let Memory { engine: state, group, .. } = &mut memory;
        let change =
            engine::advance(state.clone(), group, engine_rule, &happened, &acts, policy, self.now);
        *state = change.state;

        for transition in &change.transitions {
            self.keep(rule, engine_rule, symbol, facts, transition).await?;
        }
        for message in &change.messages {
            self.tell(rule, symbol, message).await?;
        }
        let next = change.next;
        let json = serde_json::to_value(&memory).expect("a memory is plain data");
        store::alert_state::keep(&mut *self.tx, rule.id, symbol, &json, next).await?;
        if let Some(at) = next {
            self.come_back(rule, symbol, at).await?;
        }
        Ok(())
    }

    /// Evaluates again when a timer has run out.
    async fn come_back(
        &mut self,
        rule: &Rule,
        symbol: Option<&Symbol>,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let again =
            EvaluateAlerts { symbol: symbol.cloned(), cause: Some(format!("timer/{}", rule.id)) };
        let whom = symbol.map_or("-", Symbol::as_str);
        let timer = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let job = again.at(at).unique_key(format!("{}/{whom}/{timer}", rule.id));
        self.attempt.enqueue(&mut self.tx, job).await?;
        Ok(())
    }

    /// Stores the changes of an episode.
    async fn keep(
        &mut self,
        rule: &Rule,
        engine_rule: &engine::Rule,
        symbol: Option<&Symbol>,
        facts: &Facts,
        t: &Transition,
    ) -> Result<(), Error> {
        let key = t.key.clone().unwrap_or_default();
        let number = i32::try_from(t.episode).unwrap_or(i32::MAX);
        let known =
            store::alert::find_episode(&mut *self.tx, rule.id, symbol, &key, number).await?;
        let title = words::title(engine_rule, symbol, facts, t);
        let mut detail = json!({
            "values": facts.values(),
            "trading_day": facts.trading_day(),
            "reason": t.reason,
        });
        if self.cx.simulated {
            detail[SIMULATED] = true.into();
        }
        let id = match (t.to, known) {
            (Phase::Pending | Phase::Firing, None) => {
                let alert = NewAlert {
                    rule_id: rule.id,
                    symbol: symbol.cloned(),
                    key,
                    episode: number,
                    kind: rule.kind.clone(),
                    severity: rule.severity,
                    title: title.clone(),
                    detail,
                    at: t.at,
                    firing: t.to == Phase::Firing,
                };
                store::alert::add(&mut *self.tx, &alert).await?
            }
            (Phase::Firing, Some(alert)) => {
                store::alert::fire(&mut *self.tx, alert.id, t.at, &title, &detail).await?;
                Some(alert.id)
            }
            (Phase::Resolved, Some(alert)) => {
                store::alert::resolve(&mut *self.tx, alert.id, t.at).await?;
                Some(alert.id)
            }
            (Phase::Inactive, Some(alert)) => {
                store::alert::withdraw(&mut *self.tx, alert.id).await?;
                Some(alert.id)
            }
            (Phase::Pending, Some(_)) | (Phase::Resolved | Phase::Inactive, None) => None,
        };
        if let Some(id) = id {
            event::emit(&mut *self.tx, "alert", &id.to_string()).await?;
            self.attempt.log(format!("alert {id} is {}: {title}", t.to.as_str()));
        }
        Ok(())
    }

    /// Operators' actions on open alerts since the last evaluation.
    async fn acts(
        &mut self,
        rule: &Rule,
        symbol: Option<&Symbol>,
        memory: &mut Memory,
    ) -> Result<Vec<Act>, Error> {
        if memory.group.is_idle() && memory.engine.open.is_empty() {
            return Ok(Vec::new());
        }
        let open = store::alert::list_open(&mut *self.tx, rule.id, symbol).await?;
        memory.acknowledged.retain(|id| open.iter().any(|alert| alert.id == *id));
        let mut acts = Vec::new();
        for alert in open {
            if let Some(by) = alert.acknowledged_by
                && memory.acknowledged.insert(alert.id)
            {
                acts.push(Act::Acknowledge { by });
            }
            if let Some(until) = alert.snoozed_until.filter(|until| *until > self.now) {
                acts.push(Act::Snooze { until });
            }
        }
        Ok(acts)
    }

    /// Adds one row and one job for each alert of a message, each channel and each recipient.
    async fn tell(
        &mut self,
        rule: &Rule,
        symbol: Option<&Symbol>,
        message: &notify::Notification,
    ) -> Result<(), Error> {
        use store::notification::Kind as Told;
        for told in &message.alerts {
            let key = told.key.as_deref().unwrap_or("");
            let number = i32::try_from(told.episode).unwrap_or(i32::MAX);
            let Some(alert) =
                store::alert::find_episode(&mut *self.tx, rule.id, symbol, key, number).await?
            else {
                continue;
            };
            let (kind, sequence) = match message.kind {
                notify::Kind::Firing => (Told::Firing, 0),
                notify::Kind::Repeat => (Told::Repeat, told.sequence.saturating_sub(1)),
                notify::Kind::Resolved => (Told::Resolved, 0),
            };
            // an episode that began with simulated data keeps the mark to its end
            let simulated = self.cx.simulated || alert.detail[SIMULATED] == true;
            for (channel, recipient) in send_notification::recipients(&self.cx.channels) {
                let notification = NewNotification {
                    alert_id: alert.id,
                    channel,
                    recipient,
                    kind,
                    sequence: i32::try_from(sequence).unwrap_or(i32::MAX),
                    subject: if channel == Channel::Email {
                        words::subject(kind, &alert, simulated)
                    } else {
                        String::new()
                    },
                    body: words::body(kind, &alert, channel, simulated),
                    simulated,
                };
                let added = store::notification::add(&mut *self.tx, &notification).await?;
                if let Some(notification) = added {
                    let send = SendNotification { notification, channel };
                    self.attempt.enqueue(&mut self.tx, send).await?;
                }
            }
        }
        Ok(())
    }
}
