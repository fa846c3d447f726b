//! One evaluation of one rule for one symbol, as jobs and replays make it.

use chrono::{DateTime, Utc};

use super::engine::{next_timer, step};
use super::event::{Event, Transition};
use super::notify::{Group, Notification, Settings, Silence};
use super::rule::Rule;
use super::state::State;

/// When messages may be sent.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    pub settings: &'a Settings,
    pub silences: &'a [Silence],
}

/// An operator's action on the open alerts of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Acknowledge { by: String },
    Snooze { until: DateTime<Utc> },
}

/// Result of [`advance`].
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub state: State,
    pub transitions: Vec<Transition>,
    pub messages: Vec<Notification>,
    /// The time at which the next evaluation is due if nothing happens before.
    pub next: Option<DateTime<Utc>>,
}

/// Evaluates a rule with an event. `acts` are operators' actions since the last evaluation; they
/// concern the episodes that are open after the event.
pub fn advance(
    state: State,
    group: &mut Group,
    rule: &Rule,
    event: &Event,
    acts: &[Act],
    policy: Policy<'_>,
    now: DateTime<Utc>,
) -> Change {
    let (state, transitions) = observe(state, group, rule, event, policy, now);
    for act in acts {
        match act {
            Act::Acknowledge { by } => group.acknowledge(&rule.id, by),
            Act::Snooze { until } => group.snooze(&rule.id, *until),
        };
    }
    let messages = group.due(policy.settings, policy.silences, now);
    let timers =
        [next_timer(&state, rule), group.next_timer(policy.settings, policy.silences, now)];
    let next = timers.into_iter().flatten().min();
    Change { state, transitions, messages, next }
}

/// Evaluates a rule with an event and records the changes in the group of its messages.
pub(super) fn observe(
    state: State,
    group: &mut Group,
    rule: &Rule,
    event: &Event,
    policy: Policy<'_>,
    now: DateTime<Utc>,
) -> (State, Vec<Transition>) {
    let (state, transitions) = step(state, rule, event, now);
    for transition in &transitions {
        group.hear(transition, policy.settings, policy.silences);
    }
    (state, transitions)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::alert::{Condition, Kind, Metric, Op, Phase, Values};

    #[test]
    fn an_evaluation_gives_changes_and_messages_and_an_acknowledgement_ends_repeats() {
        let rule = Rule {
            fire: Some(Condition::test(Metric::Price, Op::Above, 100.0)),
            ..Rule::new("r", Kind::PriceCross)
        };
        let settings = Settings { group_wait_s: 0, repeat_s: 3_600, ..Settings::default() };
        let policy = Policy { settings: &settings, silences: &[] };
        let start: DateTime<Utc> = "2026-11-23T15:00:00Z".parse().unwrap();
        let price = |price: f64| {
            let values = Values::default().with(Metric::Price, price);
            Event::Observe { trading_day: None, values }
        };
        let mut group = Group::new(None);
        let state = State::new(&rule, None, start);
        let below = advance(state, &mut group, &rule, &price(99.0), &[], policy, start);
        assert_eq!((below.transitions.len(), below.messages.len(), below.next), (0, 0, None));

        let later = start + TimeDelta::minutes(1);
        let above = advance(below.state, &mut group, &rule, &price(101.0), &[], policy, later);
        assert_eq!(above.transitions[0].to, Phase::Firing);
        assert_eq!(above.messages.len(), 1);
        assert_eq!(above.next, Some(later + TimeDelta::hours(1)), "the repeat");

        let act = [Act::Acknowledge { by: "an operator".to_owned() }];
        let acked = advance(above.state, &mut group, &rule, &Event::Tick, &act, policy, later);
        assert_eq!((acked.messages.len(), acked.next), (0, None));
    }
}
