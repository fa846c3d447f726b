//! Times of messages about an episode: grouping, minimum interval, repeats, quiet hours and
//! snoozes.
//!
//! One [`Group`] holds the episodes of one symbol. Each has at most one message that it fires and
//! one that it has ended, and one at every repeat in between.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::engine::seconds;
use super::event::{Phase, Transition};
use super::quiet::QuietHours;
use crate::Symbol;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Time that the first message of a group waits for further episodes.
    pub group_wait_s: u32,
    /// The least time between two messages of a group, other than repeats.
    pub group_interval_s: u32,
    /// 0 means never.
    pub repeat_s: u32,
    pub send_resolved: bool,
    pub quiet_hours: Option<QuietHours>,
    pub recipients: Vec<String>,
    pub channel: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            group_wait_s: 30,
            group_interval_s: 300,
            repeat_s: 14_400,
            send_resolved: true,
            quiet_hours: None,
            recipients: Vec::new(),
            channel: "email".to_owned(),
        }
    }
}

/// A silence: no messages about a symbol, or about any, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// `None` means every symbol.
    pub symbol: Option<Symbol>,
    #[serde(default)]
    pub comment: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Firing,
    Repeat,
    Resolved,
}

/// One message to the recipients of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub kind: Kind,
    /// Each once, in the order in which they fired.
    pub rules: Vec<String>,
    /// The episode of the first of `alerts`.
    pub episode: u64,
    pub at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    pub alerts: Vec<Told>,
    /// Episodes that began and ended in the quiet hours since the last message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digest: Vec<Line>,
}

/// An episode in a message; `(rule, symbol, episode, sequence)` is never sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub rule: String,
    pub episode: u64,
    /// Counts the messages about this episode from 0.
    pub sequence: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An episode of which no message was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub rule: String,
    pub episode: u64,
    pub fired_at: DateTime<Utc>,
    pub resolved_at: DateTime<Utc>,
}

/// The episodes of one symbol that messages are, or may become, about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub symbol: Option<Symbol>,
    items: Vec<Item>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    digest: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    rule: String,
    episode: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    fired_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolved_at: Option<DateTime<Utc>>,
    /// Messages sent.
    sent: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acknowledged_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<DateTime<Utc>>,
}

impl Item {
    fn is_repeat(&self) -> bool {
        self.sent > 0 && self.resolved_at.is_none()
    }
}

impl Group {
    pub fn new(symbol: Option<Symbol>) -> Self {
        Self { symbol, ..Self::default() }
    }

    /// Returns true if nothing of it needs to be kept.
    pub fn is_idle(&self) -> bool {
        self.items.is_empty() && self.digest.is_empty()
    }

    /// Records a change. Messages come from [`Group::due`].
    pub fn hear(&mut self, t: &Transition, settings: &Settings, silences: &[Silence]) {
        match t.to {
            Phase::Firing => {
                let known = self.items.iter().any(|i| i.rule == t.rule && i.episode == t.episode);
                if !known && !t.silent {
                    self.items.push(Item {
                        rule: t.rule.clone(),
                        episode: t.episode,
                        key: t.key.clone(),
                        fired_at: t.at,
                        resolved_at: None,
                        sent: 0,
                        repeat_at: None,
                        acknowledged_by: None,
                        snoozed_until: None,
                    });
                }
            }
            Phase::Resolved => self.end(t, settings, silences),
            Phase::Pending | Phase::Inactive => {}
        }
    }

    fn end(&mut self, t: &Transition, settings: &Settings, silences: &[Silence]) {
        let Some(at) = self.items.iter().position(|i| i.rule == t.rule && i.episode == t.episode)
        else {
            return;
        };
        let item = &mut self.items[at];
        let held = item.snoozed_until.is_some_and(|until| until > t.at)
            || silenced_until(silences, self.symbol.as_ref(), t.at).is_some();
        if item.sent > 0 && !held && !t.silent && settings.send_resolved {
            item.resolved_at = Some(t.at);
            return;
        }
        let quiet = settings.quiet_hours.is_some_and(|q| q.end(t.at).is_some());
        if item.sent == 0 && !held && quiet {
            self.digest.push(Line {
                rule: item.rule.clone(),
                episode: item.episode,
                fired_at: item.fired_at,
                resolved_at: t.at,
            });
        }
        self.items.remove(at);
    }

    /// Acknowledges a rule's episodes: no repeats until they change. Returns true if there were
    /// any.
    pub fn acknowledge(&mut self, rule: &str, by: &str) -> bool {
        let mut any = false;
        for item in self.items.iter_mut().filter(|i| i.rule == rule && i.resolved_at.is_none()) {
            item.acknowledged_by = Some(by.to_owned());
            any = true;
        }
        any
    }

    /// Snoozes the messages about a rule's episodes; the next repeat comes at `until`.
    pub fn snooze(&mut self, rule: &str, until: DateTime<Utc>) -> bool {
        let mut any = false;
        for item in self.items.iter_mut().filter(|i| i.rule == rule && i.resolved_at.is_none()) {
            item.snoozed_until = Some(until);
            item.repeat_at = item.repeat_at.map(|_| until);
            any = true;
        }
        any
    }

    /// The time at which [`Group::due`] will have a message if nothing changes before.
    pub fn next_timer(
        &self,
        settings: &Settings,
        silences: &[Silence],
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        self.items.iter().filter_map(|i| self.ready(i, settings, silences, now)).min()
    }

    /// The messages that are due by `now`. Each is returned once.
    pub fn due(
        &mut self,
        settings: &Settings,
        silences: &[Silence],
        now: DateTime<Utc>,
    ) -> Vec<Notification> {
        let is_ready =
            |i: &Item| self.ready(i, settings, silences, now).is_some_and(|at| at <= now);
        let flush = self.items.iter().any(|i| !i.is_repeat() && is_ready(i));
        let free = |i: &Item| self.free(i, settings, silences, now) <= now;
        let chosen: Vec<(usize, Kind)> = self
            .items
            .iter()
            .enumerate()
            .filter(|(_, i)| if i.is_repeat() { is_ready(i) } else { flush && free(i) })
            .map(|(n, i)| {
                let kind = match (i.sent, i.resolved_at) {
                    (_, Some(_)) => Kind::Resolved,
                    (0, None) => Kind::Firing,
                    _ => Kind::Repeat,
                };
                (n, kind)
            })
            .collect();
        let mut out = Vec::new();
        for kind in [Kind::Resolved, Kind::Firing, Kind::Repeat] {
            let of_kind: Vec<usize> =
                chosen.iter().filter(|(_, k)| *k == kind).map(|(n, _)| *n).collect();
            out.extend(self.compose(kind, &of_kind, settings, now));
        }
        self.items.retain(|i| i.resolved_at.is_none() || !told_of_end(i, &out));
        if !out.is_empty() {
            self.last = Some(now);
        }
        out
    }

    fn compose(
        &mut self,
        kind: Kind,
        which: &[usize],
        settings: &Settings,
        now: DateTime<Utc>,
    ) -> Option<Notification> {
        let first = self.items[*which.first()?].episode;
        let mut rules: Vec<String> = Vec::new();
        let mut alerts = Vec::new();
        for &n in which {
            let item = &mut self.items[n];
            if !rules.contains(&item.rule) {
                rules.push(item.rule.clone());
            }
            alerts.push(Told {
                rule: item.rule.clone(),
                episode: item.episode,
                sequence: item.sent,
                key: item.key.clone(),
            });
            item.sent += 1;
            item.repeat_at = (settings.repeat_s > 0).then(|| now + seconds(settings.repeat_s));
        }
        let digest = std::mem::take(&mut self.digest);
        let symbol = self.symbol.clone();
        Some(Notification { kind, rules, episode: first, at: now, symbol, alerts, digest })
    }

    /// The time, from `now` on, at which a message about this item may be sent: its own time, or
    /// the end of what holds it back.
    fn ready(
        &self,
        i: &Item,
        settings: &Settings,
        silences: &[Silence],
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let floor = self.last.map(|last| last + seconds(settings.group_interval_s));
        let own = if i.is_repeat() {
            i.repeat_at.filter(|_| i.acknowledged_by.is_none())?
        } else {
            let own = i.resolved_at.unwrap_or(i.fired_at) + seconds(settings.group_wait_s);
            floor.map_or(own, |floor| own.max(floor))
        };
        Some(self.free(i, settings, silences, own.max(now)))
    }

    /// The first time from `t` on at which no silence, snooze or quiet hour holds messages about
    /// this item.
    fn free(
        &self,
        i: &Item,
        settings: &Settings,
        silences: &[Silence],
        mut t: DateTime<Utc>,
    ) -> DateTime<Utc> {
        loop {
            let snooze = i.snoozed_until.filter(|until| *until > t);
            let silence = silenced_until(silences, self.symbol.as_ref(), t);
            let quiet = settings.quiet_hours.and_then(|q| q.end(t));
            match [snooze, silence, quiet].into_iter().flatten().max() {
                Some(later) => t = later,
                None => return t,
            }
        }
    }
}

fn told_of_end(item: &Item, out: &[Notification]) -> bool {
    out.iter().any(|n| {
        n.kind == Kind::Resolved
            && n.alerts.iter().any(|a| a.rule == item.rule && a.episode == item.episode)
    })
}

fn silenced_until(
    silences: &[Silence],
    symbol: Option<&Symbol>,
    t: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    silences
        .iter()
        .filter(|s| s.from <= t && t < s.until)
        .filter(|s| s.symbol.as_ref().is_none_or(|of| Some(of) == symbol))
        .map(|s| s.until)
        .max()
}
