//! The providers' quotas, counted here and nowhere else: rolling windows, at arrival.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::IMITATIONS;
use crate::imitation::Provider;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    Requests,
    Tokens,
}

/// Requests that share one count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// All requests from one address, with any key.
    Source,
    Key,
    Model,
}

/// One quota of one provider.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) dimension: Dimension,
    pub(crate) seconds: i64,
    pub(crate) scope: Scope,
    pub(crate) amount: u64,
}

impl Rule {
    pub(crate) const fn requests(
        name: &'static str,
        seconds: i64,
        scope: Scope,
        amount: u64,
    ) -> Self {
        Self { name, dimension: Dimension::Requests, seconds, scope, amount }
    }

    pub(crate) const fn tokens(
        name: &'static str,
        seconds: i64,
        scope: Scope,
        amount: u64,
    ) -> Self {
        Self { name, dimension: Dimension::Tokens, seconds, scope, amount }
    }
}

pub(crate) const HOUR: i64 = 3_600;

/// Every quota with its provider.
static RULES: LazyLock<Vec<(Provider, &'static Rule)>> = LazyLock::new(|| {
    let of = |provider: &Provider| {
        let provider = *provider;
        provider.limits.iter().map(move |rule| (provider, rule))
    };
    IMITATIONS.iter().flat_map(of).collect()
});

/// Amounts that each provider grants. Defaults are the free plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    amounts: BTreeMap<(&'static str, &'static str), u64>,
    /// Divisor of windows of an hour and more.
    shrink: u32,
}

#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no limit `{provider}.{name}`; the limits are {}", Limits::names().join(", "))]
pub struct UnknownLimit {
    provider: String,
    name: String,
}

impl Default for Limits {
    fn default() -> Self {
        let amounts = RULES.iter().map(|(of, rule)| ((of.name, rule.name), rule.amount)).collect();
        Self { amounts, shrink: 1 }
    }
}

impl Limits {
    /// Every limit as `provider.name`.
    pub fn names() -> Vec<String> {
        RULES.iter().map(|(of, rule)| format!("{}.{}", of.name, rule.name)).collect()
    }

    /// Sets one amount, such as `("gemini", "rpm", 5)`.
    pub fn with(mut self, provider: &str, name: &str, amount: u64) -> Result<Self, UnknownLimit> {
        let known = RULES.iter().find(|(of, rule)| of.name == provider && rule.name == name);
        let (of, rule) = known
            .ok_or_else(|| UnknownLimit { provider: provider.to_owned(), name: name.to_owned() })?;
        self.amounts.insert((of.name, rule.name), amount);
        Ok(self)
    }

    /// Multiplies every amount; none becomes less than one.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.scale(factor, |_| true);
        self
    }

    fn scale(&mut self, factor: f64, of: impl Fn(&str) -> bool) {
        for ((provider, _), amount) in &mut self.amounts {
            if of(provider) {
                *amount = ((*amount as f64 * factor).floor() as u64).max(1);
            }
        }
    }

    /// Divides windows of an hour and more by this, so that a rehearsal covers days; shorter
    /// windows keep their length. At least 1.
    #[must_use]
    pub fn shrunk(mut self, times: u32) -> Self {
        self.shrink = times.max(1);
        self
    }

    fn period(&self, rule: &Rule) -> TimeDelta {
        let shrink = if rule.seconds >= HOUR { i64::from(self.shrink) } else { 1 };
        TimeDelta::milliseconds(rule.seconds * 1_000 / shrink)
    }

    /// `{"scale":0.2,"gemini":{"rpm":5,"scale":0.5},"shrink":600}`: amounts first, then their scale.
    pub(crate) fn patched(mut self, patch: &Map<String, Value>) -> Result<Self, String> {
        if let Some(times) = patch.get("shrink") {
            let times = times.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
            self.shrink = times.ok_or("`shrink` is to be a whole number from 1")?;
        }
        let providers =
            patch.iter().filter(|(name, _)| !["scale", "shrink"].contains(&name.as_str()));
        for (provider, amounts) in providers {
            if !RULES.iter().any(|(of, _)| of.name == provider) {
                return Err(format!(
                    "`{provider}` has no limits; known are scale, shrink and {}",
                    Self::names().join(", ")
                ));
            }
            let amounts = amounts.as_object().ok_or_else(|| {
                format!("`{provider}` is to be an object such as {{\"scale\":0.2}}")
            })?;
            for (name, amount) in amounts.iter().filter(|(name, _)| *name != "scale") {
                let amount = amount
                    .as_u64()
                    .ok_or_else(|| format!("`{provider}.{name}` is to be a whole number from 0"))?;
                self = self.with(provider, name, amount).map_err(|e| e.to_string())?;
            }
            if let Some(factor) = scale_in(amounts)? {
                self.scale(factor, |p| p == provider);
            }
        }
        if let Some(factor) = scale_in(patch)? {
            self.scale(factor, |_| true);
        }
        Ok(self)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut all = json!({});
        for ((provider, name), amount) in &self.amounts {
            all[*provider][*name] = json!(amount);
        }
        all["shrink"] = json!(self.shrink);
        all
    }

    /// The amount of a limit that exists.
    pub(crate) fn of(&self, provider: &'static str, name: &'static str) -> u64 {
        self.amounts.get(&(provider, name)).copied().unwrap_or_default()
    }

    fn amount(&self, provider: Provider, rule: &Rule) -> u64 {
        self.amounts.get(&(provider.name, rule.name)).copied().unwrap_or(rule.amount)
    }
}

fn scale_in(object: &Map<String, Value>) -> Result<Option<f64>, String> {
    let Some(value) = object.get("scale") else { return Ok(None) };
    match value.as_f64() {
        Some(factor) if factor > 0.0 && factor <= 1e6 => Ok(Some(factor)),
        _ => Err("`scale` is to be a number above 0".to_owned()),
    }
}

/// A quota without capacity for this request.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) rule: &'static Rule,
    pub(crate) amount: u64,
    /// Time until the window has capacity again, if no other request arrives.
    pub(crate) wait: TimeDelta,
}

pub(crate) struct Counted<'a> {
    pub(crate) provider: Provider,
    pub(crate) source: &'a str,
    pub(crate) key: &'a str,
    pub(crate) model: &'a str,
    pub(crate) tokens: u64,
}

/// Arrivals with their costs, oldest first.
type Window = VecDeque<(DateTime<Utc>, u64)>;

/// Windows that are kept at a time.
const MOST_WINDOWS: usize = 10_000;

/// Contents of each rolling window, by rule and by caller. Of more than [`MOST_WINDOWS`] the window that
/// was read longest ago is dropped.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    held: HashMap<(usize, String), Window>,
}

impl Windows {
    /// Counts a request in all its windows, or in none if one of them has no capacity. A window
    /// holds the arrivals of less than its period ago.
    pub(crate) fn count(
        &mut self,
        limits: &Limits,
        request: &Counted<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), Vec<Broken>> {
        self.make_room(limits, now);
        let mut broken = Vec::new();
        let mut room = Vec::new();
        for (index, (provider, rule)) in RULES.iter().enumerate() {
            if provider.name != request.provider.name {
                continue;
            }
            let whose = match rule.scope {
                Scope::Source => request.source.to_owned(),
                Scope::Key => request.key.to_owned(),
                Scope::Model => format!("{} {}", request.key, request.model),
            };
            let cost = match rule.dimension {
                Dimension::Requests => 1,
                Dimension::Tokens => request.tokens,
            };
            let period = limits.period(rule);
            let held = self.held.entry((index, whose.clone())).or_default();
            while held.front().is_some_and(|(at, _)| *at + period <= now) {
                held.pop_front();
            }
            let amount = limits.amount(provider, rule);
            let mut over =
                (held.iter().map(|(_, cost)| cost).sum::<u64>() + cost).saturating_sub(amount);
            if over == 0 {
                room.push(((index, whose), cost));
                continue;
            }
            let mut wait = period;
            for (at, cost) in held.iter() {
                over = over.saturating_sub(*cost);
                if over == 0 {
                    wait = *at + period - now;
                    break;
                }
            }
            broken.push(Broken { rule, amount, wait });
        }
        if !broken.is_empty() {
            return Err(broken);
        }
        for (window, cost) in room {
            self.held.entry(window).or_default().push_back((now, cost));
        }
        Ok(())
    }

    /// Forgets windows that hold nothing any more and, if that is not enough, the oldest ones.
    fn make_room(&mut self, limits: &Limits, now: DateTime<Utc>) {
        if self.held.len() < MOST_WINDOWS {
            return;
        }
        let ends = |rule: usize, held: &Window| {
            held.back().map(|(at, _)| *at + limits.period(RULES[rule].1))
        };
        self.held.retain(|(rule, _), held| ends(*rule, held).is_some_and(|end| end > now));
        while self.held.len() >= MOST_WINDOWS {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.back().map(|(at, _)| *at));
            let Some(oldest) = oldest.map(|(window, _)| window.clone()) else { return };
            self.held.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_free_again_exactly_one_period_later() {
        let limits = Limits::default();
        let mut windows = Windows::default();
        let twilio = Counted {
            provider: &crate::twilio::IMITATION,
            source: "",
            key: "AC1",
            model: "",
            tokens: 0,
        };
        let start = DateTime::UNIX_EPOCH;
        assert!(windows.count(&limits, &twilio, start).is_ok());
        let almost = start + TimeDelta::seconds(1) - TimeDelta::microseconds(1);
        let broken = windows.count(&limits, &twilio, almost).expect_err("no room");
        assert_eq!(broken[0].wait, TimeDelta::microseconds(1));
        assert!(windows.count(&limits, &twilio, start + TimeDelta::seconds(1)).is_ok());
    }

    #[test]
    fn callers_that_change_their_keys_take_no_more_room_than_others() {
        let limits = Limits::default();
        let mut windows = Windows::default();
        let mut count = |key: &str, at| {
            let source = key;
            let provider = &crate::alpha_vantage::IMITATION;
            let request = Counted { provider, source, key, model: "", tokens: 0 };
            (windows.count(&limits, &request, at).is_ok(), windows.held.len())
        };
        let mut most = 0;
        for n in 0..MOST_WINDOWS as i64 {
            let at = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(n);
            most = most.max(count(&n.to_string(), at).1);
        }
        assert!(most <= MOST_WINDOWS + 2, "{most} windows");
        let last = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(MOST_WINDOWS as i64);
        assert!(!count(&(MOST_WINDOWS - 1).to_string(), last).0, "the newest are still counted");
    }

    #[test]
    fn a_shrunk_day_is_shorter_and_a_minute_is_not() {
        let limits = Limits::default().shrunk(600);
        let of = |name| RULES.iter().find(|(_, r)| r.name == name).expect("a known limit").1;
        assert_eq!(limits.period(of("per_day")), TimeDelta::seconds(144));
        assert_eq!(limits.period(of("per_12h")), TimeDelta::seconds(72));
        assert_eq!(limits.period(of("rpm")), TimeDelta::seconds(60));
    }

    #[test]
    fn a_refused_request_takes_room_in_no_window() {
        let limits = Limits::default().with("gemini", "tpm", 10).expect("a known limit");
        let mut windows = Windows::default();
        let ask = |tokens| Counted {
            provider: &crate::gemini::IMITATION,
            source: "",
            key: "k",
            model: "m",
            tokens,
        };
        for _ in 0..30 {
            assert!(windows.count(&limits, &ask(11), DateTime::UNIX_EPOCH).is_err());
        }
        assert!(windows.count(&limits, &ask(10), DateTime::UNIX_EPOCH).is_ok());
    }
}
