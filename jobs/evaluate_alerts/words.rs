//! Titles and bodies of alerts' messages.

use bellwether_domain::{
    Symbol,
    alert::{Kind, Metric, Rule, Transition},
};
use bellwether_store::{
    alert::{Alert, Severity},
    notification::{Channel, Kind as Told, Stuck},
};

use super::facts::Facts;

/// One line with the event.
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

/// Prefix of every message that is made of simulated prices, news or readings.
pub(crate) const fn mark(simulated: bool) -> &'static str {
    if simulated { "[SIMULATED] " } else { "" }
}

fn headline(kind: Told, alert: &Alert) -> String {
    match kind {
        Told::Firing => alert.title.clone(),
        Told::Repeat => format!("Still so: {}", alert.title),
        Told::Resolved => format!("Over: {}", alert.title),
        Told::Undelivered => format!("Not delivered: {}", alert.title),
    }
}

pub(super) fn subject(kind: Told, alert: &Alert, simulated: bool) -> String {
    format!("{}[Bellwether] {}", mark(simulated), headline(kind, alert))
}

/// The body: a text message is its headline; other channels add the values.
pub(super) fn body(kind: Told, alert: &Alert, channel: Channel, simulated: bool) -> String {
    let headline = format!("{}{}", mark(simulated), headline(kind, alert));
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

const fn messages(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "Text messages",
        Channel::Email => "E-mails",
        Channel::Webhook => "Webhook calls",
        Channel::Log => "Log lines",
    }
}

/// The channel's name in an operator note.
pub(super) fn stuck_since(down: &Stuck) -> String {
    let since = down.since.format("%F %R UTC");
    format!("{} messages wait since {since}: {}", down.waiting, down.error)
}

/// Subject and body of the report that a channel is down.
pub(super) fn stuck(down: &Stuck, by: Channel, simulated: bool) -> (String, String) {
    let since = down.since.format("%F %R UTC");
    let headline = format!("{} cannot be delivered since {since}", messages(down.channel));
    let mark = mark(simulated);
    if by == Channel::Sms {
        return (String::new(), format!("{mark}Bellwether: {headline}; {} wait", down.waiting));
    }
    let body = format!(
        "{mark}{headline}.\n\nThe last try failed: {}\n{} messages wait. They are sent once the channel \
         works again, as long as they matter.\n",
        down.error, down.waiting
    );
    (format!("{mark}[Bellwether] {headline}"), body)
}
