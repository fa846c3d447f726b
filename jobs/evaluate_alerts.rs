//! Evaluates current facts against every rule: episodes begin, fire and end, messages are queued.
//!
//! Reads `rule`, `quote`, `signal`, `cluster` and the limits; writes `alert_state`, `alert` and
//! `notification`, and `operator_note` for a channel that is down; leads to
//! [`crate::SendNotification`] and to itself at the next timer.

mod facts;
mod step;
mod undelivered;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet};

use bellwether_domain::{
    Symbol,
    alert::{self as engine, Kind},
};
use bellwether_queue::{
    Attempt, Failure, Job, JobArgs, UniqueUntil, inspect,
    schemars::{Schema, schema_for},
};
use bellwether_store::{self as store, rule::Rule, turn::Turn};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};

use self::facts::Facts;
use crate::{Error, Services, error::judged};

/// Timers that one sweep runs.
const TIMERS: i64 = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct EvaluateAlerts {
    /// The symbol; every rule that concerns it is evaluated. Without a symbol and a cause: each
    /// watched symbol, in a job of its own. Without a symbol but with a cause: the facts that no
    /// row announces, such as staleness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub symbol: Option<Symbol>,
    /// The row that led to it, for example `signal/17`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub cause: Option<String>,
}

impl JobArgs for EvaluateAlerts {
    const KIND: &'static str = "evaluate_alerts";
    const QUEUE: &'static str = "alert";
    const PRIORITY: u8 = 3;
    const UNIQUE_UNTIL: UniqueUntil = UniqueUntil::Claimed;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.symbol.as_ref()?, self.cause.as_ref()?))
    }

    fn schema() -> Option<Schema> {
        Some(schema_for!(Self))
    }
}

impl Job for EvaluateAlerts {
    type Context = Services;
    type Output = ();

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

/// Evaluations in one transaction. Symbols are locked in their order.
struct Round<'a> {
    cx: &'a Services,
    attempt: &'a Attempt,
    tx: Transaction<'static, Postgres>,
    /// The instant of the facts.
    now: DateTime<Utc>,
}

/// Returns true if rules of a kind concern no single symbol.
fn is_global(kind: Kind) -> bool {
    matches!(kind, Kind::QuotaExhausted | Kind::ModelRetiring)
}

impl Round<'_> {
    async fn of_symbol(&mut self, symbol: &Symbol) -> Result<(), Error> {
        // a rule for every symbol applies to known ones only: a state of an unknown symbol would
        // set timers for ever
        if store::instrument::find(&mut *self.tx, symbol).await?.is_none() {
            self.attempt.log(format!("{symbol} is not a known symbol"));
            return Ok(());
        }
        let rules = store::rule::list_for(&mut *self.tx, Some(symbol)).await?;
        let facts = self.gather(Some(symbol), &[]).await?;
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
            self.attempt.enqueue(&mut self.tx, one).await?;
        }
        Ok(())
    }

    /// Evaluates staleness, quotas and models, every timer that has run out, and channels that are
    /// down.
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
                _ => self.gather(symbol.as_ref(), limits).await?,
            };
            self.evaluate(rule, engine_rule, symbol.as_ref(), &known).await?;
            facts = Some((symbol, known));
        }
        self.report_stuck_channels().await
    }

    async fn gather(
        &mut self,
        symbol: Option<&Symbol>,
        limits: &[inspect::LimitView],
    ) -> Result<Facts, Error> {
        let Some(symbol) = symbol else {
            let notes = store::operator::list(&mut *self.tx).await?;
            return Ok(Facts::of_house(limits, &notes, self.now));
        };
        // another evaluation's later facts must not be evaluated before these
        store::turn::take(&mut self.tx, Turn::Alerts, symbol).await?;
        self.now = store::now(&mut *self.tx).await?;
        Facts::of_symbol(&mut self.tx, symbol, self.now).await
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
}
