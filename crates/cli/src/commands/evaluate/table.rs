//! A report as text.

use std::fmt::Write;

use bellwether_domain::evaluation::{Coefficient, Horizon, LEAST_POINTS, Report};

pub(super) fn text(formula: &str, report: &Report, not_enough: Option<&str>) -> String {
    let mut out = String::new();
    // A String takes any text.
    write(&mut out, formula, report, not_enough).ok();
    out
}

fn write(
    out: &mut String,
    formula: &str,
    report: &Report,
    not_enough: Option<&str>,
) -> std::fmt::Result {
    write!(out, "{formula}: {} signals of {} symbols", report.points, report.symbols)?;
    if let (Some(first), Some(last)) = (report.first, report.last) {
        write!(out, ", {first} to {last}")?;
    }
    let percent = |share: Option<f64>| share.map_or_else(dash, |s| format!("{:.1} %", 100.0 * s));
    writeln!(
        out,
        ", coverage {}, label changes {}",
        percent(report.coverage),
        percent(report.turnover)
    )?;
    if !report.look_ahead.is_empty() {
        let first = &report.look_ahead[0];
        writeln!(
            out,
            "LOOK-AHEAD: {} signals left out, the first of {} at {}: {}",
            report.look_ahead.len(),
            first.symbol,
            first.at.format("%FT%TZ"),
            first.reason
        )?;
    }
    if let Some(not_enough) = not_enough {
        writeln!(out, "Not enough data: {not_enough}.\n")?;
        return Ok(());
    }
    for horizon in &report.horizons {
        of_horizon(out, horizon)?;
    }
    writeln!(out)
}

fn of_horizon(out: &mut String, horizon: &Horizon) -> std::fmt::Result {
    let plural = if horizon.sessions == 1 { "session" } else { "sessions" };
    writeln!(out, "\nAfter {} {plural}, from the open to the close", horizon.sessions)?;
    if horizon.composite.mean.is_none() {
        return writeln!(
            out,
            "  Not enough data: {} signals with a price after them, of at least {LEAST_POINTS}.",
            horizon.composite.points
        );
    }
    writeln!(
        out,
        "  {:<10} {:>8} {:>7} {:>8} {:>7}  95 % interval  ranked",
        "score", "signals", "days", "IC", "t"
    )?;
    for (name, found) in [
        ("composite", &horizon.composite),
        ("price", &horizon.price),
        ("sentiment", &horizon.sentiment),
        ("placebo", &horizon.placebo),
    ] {
        of_coefficient(out, name, found)?;
    }
    writeln!(out, "  every return, whatever the signal: {}", percent(horizon.buy_and_hold))?;
    writeln!(
        out,
        "  {:<12} {:>8} {:>9} {:>9}  95 % interval",
        "label", "signals", "return", "hits"
    )?;
    for row in &horizon.labels {
        let interval = match (row.low, row.high) {
            (Some(low), Some(high)) => format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high),
            _ => dash(),
        };
        let hits = row.hit_rate.map_or_else(dash, |rate| format!("{:.1} %", 100.0 * rate));
        writeln!(
            out,
            "  {:<12} {:>8} {:>9} {hits:>9}  {interval}",
            row.label.as_str(),
            row.points,
            percent(row.mean_return)
        )?;
    }
    let deciles: Vec<String> =
        horizon.deciles.iter().map(|d| format!("{:+.2}", 100.0 * d.mean_return)).collect();
    writeln!(out, "  by tenths of the composite, lowest first, in %: {}", deciles.join(" "))
}

fn of_coefficient(out: &mut String, name: &str, found: &Coefficient) -> std::fmt::Result {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(dash, |value| format!("{value:+.digits$}"))
    };
    let interval = match (found.low, found.high) {
        (Some(low), Some(high)) => format!("{low:+.3} to {high:+.3}"),
        _ => "not enough".to_owned(),
    };
    writeln!(
        out,
        "  {name:<10} {:>8} {:>7} {:>8} {:>7}  {interval:<13}  {}",
        found.points,
        found.days,
        number(found.mean, 4),
        number(found.t, 2),
        if found.method == "pooled" { "all days together" } else { "each day by itself" }
    )
}

fn percent(log_return: Option<f64>) -> String {
    log_return.map_or_else(dash, |r| format!("{:+.3} %", 100.0 * r))
}

fn dash() -> String {
    "–".to_owned()
}
