//! What is known now against every rule: episodes begin, fire and end, and people are told.
//!
//! Reads `rule`, `quote`, `signal`, `cluster` and the limits; writes `alert_state`, `alert` and
//! `notification`; leads to [`SendNotification`] and to itself at the next timer.

mod facts;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_domain::{
    Symbol,
    alert::{self as engine, Kind, Phase, Transition, notify},
};
use bellwether_queue::{Attempt, Failure, Holds, Job, NewJob, event, inspect};
use bellwether_store::{
    self as store,
    alert::NewAlert,
    notification::{Channel, NewNotification},
    rule::Rule,
};
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Postgres, Transaction};

use self::facts::Facts;
use crate::{
    Error, SendNotification, Services,
    error::judged,
    send_notification::{self, lane},
};

/// Timers that one sweep runs.
const TIMERS: i64 = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluateAlerts {
    /// Every rule that concerns it. Without one and without a cause: each watched symbol, in a job
    /// of its own; without one but with a cause: what no row announces, such as staleness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub symbol: Option<Symbol>,
    /// What called for it, for example `signal/17`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Job for EvaluateAlerts {
    const KIND: &'static str = "evaluate_alerts";
    const QUEUE: &'static str = "alert";
    const PRIORITY: u8 = 3;
    const HOLDS: Holds = Holds::UntilClaimed;
    type Context = Services;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.symbol.as_ref()?, self.cause.as_ref()?))
    }

    async fn run(self, cx: Services, attempt: &Attempt) -> Result<(), Failure> {
        judged(&cx, attempt, self.work(&cx, attempt)).await
    }
}

impl EvaluateAlerts {
    async fn work(&self, cx: &Services, attempt: &Attempt) -> Result<(), Error> {
        let limits = match self.symbol {
            Some(_) => Vec::new(),
            None => inspect::limits(&cx.pool).await?,
        };
        let mut tx = cx.pool.begin().await?;
        let now = store::now(&mut *tx).await?;
        let mut round = Round { cx, attempt, tx, now };
        match (&self.symbol, &self.cause) {
            (Some(symbol), _) => round.of_symbol(symbol).await?,
            (None, Some(_)) => round.sweep(&limits).await?,
            (None, None) => {
                round.fan_out().await?;
                round.sweep(&limits).await?;
            }
        }
        tx = round.tx;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What is remembered of a rule and a symbol.
#[derive(Serialize, Deserialize)]
struct Memory {
    engine: engine::State,
    group: notify::Group,
    /// When the data was current that the rule was last told of; the same is not told twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fresh_at: Option<DateTime<Utc>>,
    /// Open alerts whose acknowledgement has been heard.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    acknowledged: BTreeSet<i64>,
}

/// Evaluations in one transaction, of one instant. States are locked in order of symbol and rule.
struct Round<'a> {
    cx: &'a Services,
    attempt: &'a Attempt,
    tx: Transaction<'static, Postgres>,
    now: DateTime<Utc>,
}

/// Whether rules of a kind concern no share.
fn is_global(kind: Kind) -> bool {
    matches!(kind, Kind::QuotaExhausted | Kind::ModelRetiring)
}

impl Round<'_> {
    async fn of_symbol(&mut self, symbol: &Symbol) -> Result<(), Error> {
        let rules = store::rule::list_for(&mut *self.tx, Some(symbol)).await?;
        let facts = Facts::of_symbol(&mut self.tx, symbol, self.now).await?;
        for rule in &rules {
            if let Some(engine_rule) = self.read(rule)
                && !is_global(engine_rule.kind)
            {
                self.evaluate(rule, &engine_rule, Some(symbol), &facts).await?;
            }
        }
        Ok(())
    }

    async fn fan_out(&mut self) -> Result<(), Error> {
        for known in store::instrument::list_watched(&mut *self.tx).await? {
            let one = EvaluateAlerts {
                symbol: Some(known.symbol),
                cause: Some(format!("request/{}", self.attempt.job())),
            };
            self.attempt.enqueue(&mut self.tx, &one).await?;
        }
        Ok(())
    }

    /// Staleness, quotas and models, and every timer that has run out.
    async fn sweep(&mut self, limits: &[inspect::LimitView]) -> Result<(), Error> {
        let mut rules = BTreeMap::new();
        for rule in store::rule::list(&mut *self.tx).await?.into_iter().filter(|r| r.enabled) {
            if let Some(engine_rule) = self.read(&rule) {
                rules.insert(rule.id, (rule, engine_rule));
            }
        }
        let mut pairs: BTreeSet<(Option<Symbol>, i64)> = BTreeSet::new();
        for due in store::alert_state::list_due(&mut *self.tx, self.now, TIMERS).await? {
            pairs.insert((due.symbol, due.rule_id));
        }
        let watched = store::instrument::list_watched(&mut *self.tx).await?;
        for (id, (rule, engine_rule)) in &rules {
            if is_global(engine_rule.kind) {
                pairs.insert((None, *id));
            } else if engine_rule.kind == Kind::DataStale {
                let own = |s: &&Symbol| rule.symbol.as_ref().is_none_or(|of| of == *s);
                let symbols = watched.iter().map(|i| &i.symbol).filter(own);
                pairs.extend(symbols.map(|symbol| (Some(symbol.clone()), *id)));
            }
        }

        let mut facts: Option<(Option<Symbol>, Facts)> = None;
        for (symbol, id) in pairs {
            let Some((rule, engine_rule)) = rules.get(&id) else { continue };
            let known = match facts.take() {
                Some((of, known)) if of == symbol => known,
                _ => match &symbol {
                    Some(symbol) => Facts::of_symbol(&mut self.tx, symbol, self.now).await?,
                    None => {
                        let notes = store::operator::list(&mut *self.tx).await?;
                        Facts::of_house(limits, &notes, self.now)
                    }
                },
            };
            self.evaluate(rule, engine_rule, symbol.as_ref(), &known).await?;
            facts = Some((symbol, known));
        }
        Ok(())
    }

    fn read(&self, rule: &Rule) -> Option<engine::Rule> {
        match serde_json::from_value::<engine::Rule>(rule.definition.clone()) {
            Ok(engine_rule) => Some(engine_rule),
            Err(error) => {
                self.attempt.log(format!("rule {} cannot be read: {error}", rule.name));
                tracing::warn!(rule = rule.name, "this rule cannot be read: {error}");
                None
            }
        }
    }

    /// One step of one rule of one symbol, with all that it leads to.
    async fn evaluate(
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
        let (state, transitions) =
            engine::step(memory.engine, engine_rule, &happened, self.now);
        memory.engine = state;

        for transition in &transitions {
            self.keep(rule, engine_rule, symbol, facts, transition).await?;
            memory.group.hear(transition, &self.cx.notify, &[]);
        }
        self.hear_people(rule, engine_rule, symbol, &mut memory).await?;
        for message in memory.group.due(&self.cx.notify, &[], self.now) {
            self.tell(rule, symbol, &message).await?;
        }

        let timers = [
            engine::next_timer(&memory.engine, engine_rule),
            memory.group.next_timer(&self.cx.notify, &[], self.now),
        ];
        let next = timers.into_iter().flatten().min();
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
        let job = NewJob {
            unique_key: Some(format!("{}/{whom}/{timer}", rule.id)),
            due_at: Some(at),
            ..NewJob::of(&again)?
        };
        self.attempt.add(&mut self.tx, job).await?;
        Ok(())
    }

    /// Writes what became of an episode.
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
        let detail = json!({
            "values": facts.values(),
            "trading_day": facts.trading_day(),
            "reason": t.reason,
        });
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

    /// Takes note of what people said about open alerts since the last time.
    async fn hear_people(
        &mut self,
        rule: &Rule,
        engine_rule: &engine::Rule,
        symbol: Option<&Symbol>,
        memory: &mut Memory,
    ) -> Result<(), Error> {
        if memory.group.is_idle() {
            return Ok(());
        }
        let open = store::alert::list_open(&mut *self.tx, rule.id, symbol).await?;
        memory.acknowledged.retain(|id| open.iter().any(|alert| alert.id == *id));
        for alert in open {
            if let Some(by) = &alert.acknowledged_by
                && memory.acknowledged.insert(alert.id)
            {
                memory.group.acknowledge(&engine_rule.id, by);
            }
            if let Some(until) = alert.snoozed_until.filter(|until| *until > self.now) {
                memory.group.snooze(&engine_rule.id, until);
            }
        }
        Ok(())
    }

    /// One row and one job for each alert of a message, each channel and each recipient.
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
            for (channel, recipient) in send_notification::recipients(&self.cx.channels) {
                let notification = NewNotification {
                    alert_id: alert.id,
                    channel,
                    recipient,
                    kind,
                    sequence: i32::try_from(sequence).unwrap_or(i32::MAX),
                    subject: if channel == Channel::Email {
                        words::subject(kind, &alert)
                    } else {
                        String::new()
                    },
                    body: words::body(kind, &alert, channel),
                };
                let added = store::notification::add(&mut *self.tx, &notification).await?;
                if let Some(notification) = added {
                    let send = SendNotification { notification };
                    let job = NewJob { lane: lane(channel).to_owned(), ..NewJob::of(&send)? };
                    self.attempt.add(&mut self.tx, job).await?;
                }
            }
        }
        Ok(())
    }
}
