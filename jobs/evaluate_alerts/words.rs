//! What people read of an alert.

use bellwether_domain::{
    Symbol,
    alert::{Kind, Metric, Rule, Transition},
};
use bellwether_store::{
    alert::{Alert, Severity},
    notification::{Channel, Kind as Told},
};

use super::facts::Facts;

/// One line that says what happened.
pub(super) fn title(rule: &Rule, symbol: Option<&Symbol>, facts: &Facts, t: &Transition) -> String {
    let whom = symbol.map_or("Bellwether", Symbol::as_str);
    let number = |metric: Metric| facts.number(metric).unwrap_or_default();
    if t.reason.as_deref() == Some("no_data") {
        return format!("{whom}: no data for the rule {}", rule.id);
    }
    match rule.kind {
        Kind::PriceChange => {
            let (price, before) = (number(Metric::Price), number(Metric::PreviousClose));
            let moved = if before > 0.0 { (price / before - 1.0) * 100.0 } else { 0.0 };
            let way = if moved < 0.0 { "down" } else { "up" };
            format!("{whom} is {way} {:.1} % at {price:.2} (was {before:.2})", moved.abs())
        }
        Kind::PriceCross => {
            format!("{whom} is at {:.2}: {}", number(Metric::Price), rule.id)
        }
        Kind::NegativeSentimentTrend => format!(
            "{whom}: news is negative ({:+.2}) and getting worse ({:+.2} a day)",
            number(Metric::S24h),
            number(Metric::Slope3d)
        ),
        Kind::SentimentShift => format!(
            "{whom}: news turned by {:.2} within a day, to {:+.2}",
            number(Metric::Shift24h),
            number(Metric::S24h)
        ),
        Kind::SignalEnter => format!(
            "{whom}: the signal is {} ({:+.2})",
            facts.label().unwrap_or("unknown"),
            number(Metric::Composite)
        ),
        Kind::Divergence => format!(
            "{whom}: news ({:+.2}) and price ({:+.2}) point different ways",
            number(Metric::S),
            number(Metric::P)
        ),
        Kind::DataStale => match facts.number(Metric::AgeS) {
            Some(age) => format!("{whom}: no new price for {:.1} h", age / 3_600.0),
            None => format!("{whom}: no price has ever arrived"),
        },
        Kind::QuotaExhausted => {
            format!("{} has no calls left", facts.subject().unwrap_or("a provider"))
        }
        Kind::ModelRetiring => format!(
            "{} will be switched off in {:.0} days; choose another, for example \
             gemini-flash-lite-latest",
            facts.subject().unwrap_or("the model"),
            number(Metric::RetiresInS) / 86_400.0
        ),
    }
}

fn headline(kind: Told, alert: &Alert) -> String {
    match kind {
        Told::Firing => alert.title.clone(),
        Told::Repeat => format!("Still so: {}", alert.title),
        Told::Resolved => format!("Over: {}", alert.title),
    }
}

pub(super) fn subject(kind: Told, alert: &Alert) -> String {
    format!("[Bellwether] {}", headline(kind, alert))
}

/// A text message is its headline; others have room for the circumstances.
pub(super) fn body(kind: Told, alert: &Alert, channel: Channel) -> String {
    let headline = headline(kind, alert);
    if channel == Channel::Sms {
        return headline;
    }
    let severity = match alert.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    let since = alert.fired_at.or(alert.pending_at);
    let since = since.map_or_else(String::new, |at| format!(", since {}", at.format("%F %R UTC")));
    format!(
        "{headline}\n\nAlert {} ({}, {severity}){since}.\nA research score, not advice.\n",
        alert.id, alert.kind
    )
}
