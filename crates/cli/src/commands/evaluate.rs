//! `bellwether evaluate`: quality of the stored signals.

mod table;

use std::{collections::BTreeMap, io::Write as _};

use anyhow::bail;
use bellwether_domain::{
    Symbol,
    calendar::{self, Session},
    evaluation::{self, Day, HORIZONS, LEAST_POINTS, Point, Report},
};
use bellwether_store::{
    self as store,
    evaluation::{Formula, Opening},
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use clap::Args;
use serde::Serialize;

use crate::{
    database::{Database, DatabaseArgs},
    misuse::misused,
    out::say,
};

#[derive(Serialize)]
struct Evaluated {
    formula: String,
    #[serde(flatten)]
    report: Report,
    /// The missing rows, if there are too few for any number.
    not_enough: Option<String>,
}

#[derive(Serialize)]
struct Output {
    least_points: usize,
    formulas: Vec<Evaluated>,
}

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// Only these symbols, separated by commas; ten or more are ranked day by day
    #[arg(long, env = "BELLWETHER_EVALUATE_SYMBOLS", value_delimiter = ',')]
    symbols: Vec<Symbol>,
    /// Only this version of the formula, for example composite/1
    #[arg(long, env = "BELLWETHER_EVALUATE_FORMULA")]
    formula: Option<String>,
    /// First session
    #[arg(long, env = "BELLWETHER_EVALUATE_FROM", value_name = "DAY")]
    from: Option<NaiveDate>,
    /// Last session
    #[arg(long, env = "BELLWETHER_EVALUATE_TO", value_name = "DAY")]
    to: Option<NaiveDate>,
    /// Seed of the placebo and the intervals; equal seeds give equal reports
    #[arg(long, env = "BELLWETHER_EVALUATE_SEED", default_value_t = 1)]
    seed: u64,
    /// One JSON document instead of text
    #[arg(long, env = "BELLWETHER_EVALUATE_JSON")]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Fails if a signal used data that was not known yet.
pub(crate) async fn run(args: EvaluateArgs) -> anyhow::Result<bool> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        misused!(
            "--from {from} is after --to {to} (BELLWETHER_EVALUATE_FROM, BELLWETHER_EVALUATE_TO)"
        );
    }
    let formulas =
        Database::using(&args.database, async |database| evaluate(database, &args).await).await?;
    let fair = formulas.iter().all(|f| f.report.look_ahead.is_empty());
    if args.json {
        let output = Output { least_points: LEAST_POINTS, formulas };
        say!("{}", serde_json::to_string_pretty(&output)?)?;
    } else if formulas.is_empty() {
        say!("Not enough data: there is no signal yet.")?;
    } else {
        for of in &formulas {
            let text = table::text(&of.formula, &of.report, of.not_enough.as_deref());
            std::io::stdout().lock().write_all(text.as_bytes())?;
        }
    }
    if !fair {
        tracing::error!(
            "signals used data that was not known yet: they are left out, and the command fails"
        );
    }
    Ok(fair)
}

async fn evaluate(database: &Database, args: &EvaluateArgs) -> anyhow::Result<Vec<Evaluated>> {
    let db = &database.pool;
    for symbol in &args.symbols {
        if store::instrument::find(db, symbol).await?.is_none() {
            misused!("{symbol} is not known here (--symbols, BELLWETHER_EVALUATE_SYMBOLS)");
        }
    }
    let now = store::now(db).await?;
    let formulas = store::evaluation::list_formulas(db).await?;
    if let Some(wanted) = &args.formula
        && !formulas.iter().any(|f| f.version == *wanted)
    {
        bail!("there is no signal by the formula {wanted:?}");
    }
    let wanted = |f: &&Formula| args.formula.as_ref().is_none_or(|wanted| f.version == *wanted);
    let mut evaluated = Vec::new();
    for formula in formulas.iter().filter(wanted) {
        let openings = openings(formula, args, now);
        let points = points(database, formula, &openings, &args.symbols).await?;
        let report = evaluation::evaluate(&points, args.seed);
        let not_enough = (!report.says_something()).then(|| lack(&report));
        evaluated.push(Evaluated { formula: formula.version.clone(), report, not_enough });
    }
    Ok(evaluated)
}

/// The sessions at whose open a signal of the formula may have stood: one derived since the open
/// before. An older one says nothing about this day.
fn openings(formula: &Formula, args: &EvaluateArgs, now: DateTime<Utc>) -> Vec<Opening> {
    let first = calendar::local_day(formula.first);
    let first = args.from.map_or(first, |from| from.max(first));
    let last = calendar::last_completed(now).day;
    let last = args.to.map_or(last, |to| to.min(last));
    let before = first.checked_sub_days(Days::new(10)).unwrap_or(first);
    let sessions: Vec<Session> =
        before.iter_days().take_while(|day| *day <= last).filter_map(calendar::session).collect();
    sessions
        .windows(2)
        .filter(|pair| pair[1].day >= first)
        .map(|pair| Opening { day: pair[1].day, opens: pair[1].opens, since: pair[0].opens })
        .collect()
}

async fn points(
    database: &Database,
    formula: &Formula,
    openings: &[Opening],
    symbols: &[Symbol],
) -> anyhow::Result<Vec<Point>> {
    let (Some(first), Some(last)) = (openings.first(), openings.last()) else {
        return Ok(Vec::new());
    };
    let db = &database.pool;
    let stood = store::evaluation::list_stood(db, &formula.version, openings).await?;
    // twenty sessions are at most some thirty days, and forty around the longest closures
    let through = last.day.checked_add_days(Days::new(60)).unwrap_or(last.day);
    let mut days: BTreeMap<Symbol, Vec<Day>> = BTreeMap::new();
    for prices in store::evaluation::list_prices(db, first.day, through).await? {
        let day = Day { day: prices.day, open: prices.open, close: prices.close };
        days.entry(prices.symbol).or_default().push(day);
    }
    let opens: BTreeMap<NaiveDate, DateTime<Utc>> =
        openings.iter().map(|o| (o.day, o.opens)).collect();
    Ok(stood
        .into_iter()
        .filter(|s| symbols.is_empty() || symbols.contains(&s.symbol))
        .filter_map(|s| {
            let days = days.get(&s.symbol).map_or(&[][..], Vec::as_slice);
            Some(Point {
                returns: evaluation::returns(days, s.day),
                opens: *opens.get(&s.day)?,
                symbol: s.symbol,
                day: s.day,
                at: s.at,
                available_at: s.available_at,
                label: s.label,
                c: s.c,
                p: s.p,
                s: s.s,
            })
        })
        .collect())
}

/// The rows there are, the rows needed, and the earliest date for that.
fn lack(report: &Report) -> String {
    let scored = report.horizons.iter().map(|h| h.composite.points).max().unwrap_or(0);
    let horizons: Vec<String> = HORIZONS.iter().map(ToString::to_string).collect();
    let sessions = if report.symbols == 0 {
        String::new()
    } else {
        let missing = LEAST_POINTS.saturating_sub(scored).div_ceil(report.symbols);
        format!("; some {missing} more sessions with {} symbols will do", report.symbols)
    };
    format!(
        "{scored} signals with a price after them, of at least {LEAST_POINTS} (after {} sessions){sessions}",
        horizons.join(", ")
    )
}
