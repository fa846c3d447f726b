//! Signal quality: returns after each signal, compared with chance.
//!
//! A signal that stood when a session opened is compared with the log return from that open to the
//! close of the same session and of the fifth and the twentieth from there. One signal a symbol and
//! session, so that a busy day is not counted often.

mod classes;
mod stats;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

pub use self::classes::{ClassScore, Confusion};
use self::stats::{Daily, mean, wilson};
use crate::{SignalLabel, Symbol, calendar, looks_like_a_split};

/// Horizons, in sessions.
pub const HORIZONS: [usize; 3] = [1, 5, 20];
/// Fewest points for a number: an information coefficient of 0.05 has a standard error as large as
/// itself at 400.
pub const LEAST_POINTS: usize = 400;
/// Fewest symbols for a ranking of each day by itself; with fewer, all days are ranked together.
pub const CROSS_SECTION: usize = 10;
/// One day's prices of a symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    pub day: NaiveDate,
    pub open: f64,
    pub close: f64,
}

/// The signal of a symbol that stood when a session opened, and the returns after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub symbol: Symbol,
    /// The session.
    pub day: NaiveDate,
    /// When it opened.
    pub opens: DateTime<Utc>,
    /// When the signal was derived.
    pub at: DateTime<Utc>,
    /// When the last of its inputs was known; `None` if no longer recorded.
    pub available_at: Option<DateTime<Utc>>,
    pub label: Option<SignalLabel>,
    pub c: Option<f64>,
    pub p: Option<f64>,
    pub s: f64,
    /// For each of [`HORIZONS`]; `None` where prices are missing or not comparable.
    pub returns: [Option<f64>; HORIZONS.len()],
}

/// A signal that used data from after its time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookAhead {
    pub symbol: Symbol,
    pub at: DateTime<Utc>,
    pub reason: &'static str,
}

/// Rank correlation of a score with the returns after it. Numbers are `None` below
/// [`LEAST_POINTS`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coefficient {
    pub points: usize,
    pub days: usize,
    /// `cross_section`: the mean of each day's; `pooled`: all days ranked together.
    pub method: &'static str,
    pub mean: Option<f64>,
    /// By Newey and West, with as many lags as horizons overlap.
    pub t: Option<f64>,
    /// 95 %, by a bootstrap of blocks of days.
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Returns after one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelRow {
    pub label: SignalLabel,
    pub points: usize,
    pub mean_return: Option<f64>,
    /// Share of signals after which the price moved in the label's direction; HOLD has none.
    pub hit_rate: Option<f64>,
    /// 95 %, by Wilson.
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Returns after a tenth of all composites, the lowest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decile {
    pub points: usize,
    pub mean_return: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Horizon {
    pub sessions: usize,
    pub composite: Coefficient,
    pub price: Coefficient,
    pub sentiment: Coefficient,
    /// The placebo: the composite's scores, shuffled over the same returns.
    pub placebo: Coefficient,
    /// The mean of every return, whatever the signal.
    pub buy_and_hold: Option<f64>,
    pub labels: Vec<LabelRow>,
    pub deciles: Vec<Decile>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub points: usize,
    pub symbols: usize,
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
    /// Points with a label, of all symbols on all sessions in between.
    pub coverage: Option<f64>,
    /// Share of sessions in which a symbol's label differed from that of the session before.
    pub turnover: Option<f64>,
    pub horizons: Vec<Horizon>,
    /// Points that are left out above.
    pub look_ahead: Vec<LookAhead>,
}

impl Report {
    /// Returns true if any horizon has a number.
    pub fn says_something(&self) -> bool {
        self.horizons.iter().any(|h| h.composite.mean.is_some())
    }
}

/// Log returns from the open of `day` for each horizon, from a symbol's days in their order.
pub fn returns(days: &[Day], day: NaiveDate) -> [Option<f64>; HORIZONS.len()] {
    let mut found = [None; HORIZONS.len()];
    let Ok(first) = days.binary_search_by_key(&day, |d| d.day) else { return found };
    let longest = HORIZONS[HORIZONS.len() - 1];
    let sessions: Vec<NaiveDate> =
        day.iter_days().filter(|d| calendar::session(*d).is_some()).take(longest).collect();
    for (slot, horizon) in found.iter_mut().zip(HORIZONS) {
        let Some(last) = sessions.get(horizon - 1) else { continue };
        let Ok(last) = days.binary_search_by_key(last, |d| d.day) else { continue };
        let held = &days[first..=last];
        let whole = held.iter().all(|d| d.open > 0.0 && d.close > 0.0)
            && !held.windows(2).any(|pair| looks_like_a_split(pair[0].close, pair[1].close));
        if whole {
            *slot = Some((held[held.len() - 1].close / held[0].open).ln());
        }
    }
    found
}

/// Evaluates the points, in any order. `seed` shuffles the placebo and the bootstrap: equal seeds
/// give equal reports.
pub fn evaluate(points: &[Point], seed: u64) -> Report {
    let (mut fair, mut look_ahead) = (Vec::new(), Vec::new());
    for point in points {
        let reason = if point.at >= point.opens {
            Some("derived when the session had begun")
        } else if point.available_at.is_some_and(|available| available > point.at) {
            Some("read something that was not known yet")
        } else {
            None
        };
        match reason {
            None => fair.push(point),
            Some(reason) => {
                look_ahead.push(LookAhead { symbol: point.symbol.clone(), at: point.at, reason });
            }
        }
    }
    // The order of equal points does not matter.
    fair.sort_by(|a, b| (a.day, &a.symbol).cmp(&(b.day, &b.symbol)));
    look_ahead.sort_by(|a, b| (a.at, &a.symbol).cmp(&(b.at, &b.symbol)));

    let symbols = count_symbols(&fair);
    let (first, last) = (fair.first().map(|p| p.day), fair.last().map(|p| p.day));
    let labelled = fair.iter().filter(|p| p.label.is_some()).count();
    let possible = first.zip(last).map(|(first, last)| {
        let days = first.iter_days().take_while(|day| *day <= last);
        days.filter(|day| calendar::session(*day).is_some()).count() * symbols
    });
    Report {
        points: fair.len(),
        symbols,
        first,
        last,
        coverage: possible.filter(|n| *n > 0).map(|n| labelled as f64 / n as f64),
        turnover: turnover(&fair),
        horizons: (0..HORIZONS.len()).map(|no| horizon(&fair, no, symbols, seed)).collect(),
        look_ahead,
    }
}

fn count_symbols(points: &[&Point]) -> usize {
    let mut symbols: Vec<_> = points.iter().map(|p| &p.symbol).collect();
    symbols.sort_unstable();
    symbols.dedup();
    symbols.len()
}

fn turnover(points: &[&Point]) -> Option<f64> {
    let mut last: BTreeMap<&Symbol, SignalLabel> = BTreeMap::new();
    let (mut pairs, mut changes) = (0_usize, 0_usize);
    for point in points {
        let Some(label) = point.label else { continue };
        if let Some(before) = last.insert(&point.symbol, label) {
            pairs += 1;
            changes += usize::from(before != label);
        }
    }
    (pairs > 0).then(|| changes as f64 / pairs as f64)
}

fn horizon(points: &[&Point], no: usize, symbols: usize, seed: u64) -> Horizon {
    let sessions = HORIZONS[no];
    let scored = |score: fn(&Point) -> Option<f64>| -> Vec<Daily> {
        let pairs = points.iter().filter_map(|p| Some((p.day, score(p)?, p.returns[no]?)));
        stats::by_day(pairs)
    };
    let judged = |days: &[Daily]| coefficient(days, symbols, sessions, seed);
    let composite = scored(|p| p.c);
    let placebo = stats::shuffled(&composite, symbols >= CROSS_SECTION, seed);
    let followed: Vec<f64> = points.iter().filter_map(|p| p.returns[no]).collect();
    let enough = followed.len() >= LEAST_POINTS;
    Horizon {
        sessions,
        placebo: judged(&placebo),
        composite: judged(&composite),
        price: judged(&scored(|p| p.p)),
        sentiment: judged(&scored(|p| Some(p.s))),
        buy_and_hold: enough.then(|| mean(&followed)),
        labels: SignalLabel::ALL.map(|label| label_row(points, no, label, enough)).to_vec(),
        deciles: if enough { deciles(&composite) } else { Vec::new() },
    }
}

fn coefficient(days: &[Daily], symbols: usize, sessions: usize, seed: u64) -> Coefficient {
    let cross_section = symbols >= CROSS_SECTION;
    let (method, values, points) = if cross_section {
        let wide: Vec<&Daily> = days.iter().filter(|d| d.scores.len() >= CROSS_SECTION).collect();
        let points = wide.iter().map(|d| d.scores.len()).sum();
        let values = wide.iter().filter_map(|d| stats::spearman(&d.scores, &d.returns)).collect();
        ("cross_section", values, points)
    } else {
        ("pooled", stats::pooled(days), days.iter().map(|d| d.scores.len()).sum())
    };
    let values: Vec<f64> = values;
    let enough = points >= LEAST_POINTS && values.len() > 2;
    let interval = enough.then(|| stats::bootstrap(&values, sessions, seed));
    Coefficient {
        points,
        days: values.len(),
        method,
        mean: enough.then(|| mean(&values)),
        t: enough.then(|| stats::newey_west_t(&values, sessions - 1)).flatten(),
        low: interval.map(|i| i.0),
        high: interval.map(|i| i.1),
    }
}

fn label_row(points: &[&Point], no: usize, label: SignalLabel, enough: bool) -> LabelRow {
    let followed: Vec<f64> =
        points.iter().filter(|p| p.label == Some(label)).filter_map(|p| p.returns[no]).collect();
    let n = followed.len();
    let way = match label {
        SignalLabel::StrongBuy | SignalLabel::Buy => Some(1.0),
        SignalLabel::Hold => None,
        SignalLabel::Sell | SignalLabel::StrongSell => Some(-1.0),
    };
    let way = way.filter(|_| enough && n > 0);
    let hits = way.map(|way| followed.iter().filter(|r| **r * way > 0.0).count());
    let interval = hits.map(|hits| wilson(hits, n));
    LabelRow {
        label,
        points: n,
        mean_return: (enough && n > 0).then(|| mean(&followed)),
        hit_rate: hits.map(|hits| hits as f64 / n as f64),
        low: interval.map(|i| i.0),
        high: interval.map(|i| i.1),
    }
}

fn deciles(days: &[Daily]) -> Vec<Decile> {
    let mut pairs: Vec<(f64, f64)> =
        days.iter().flat_map(|d| d.scores.iter().copied().zip(d.returns.iter().copied())).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let n = pairs.len();
    (0..10)
        .map(|tenth| &pairs[tenth * n / 10..(tenth + 1) * n / 10])
        .filter(|part| !part.is_empty())
        .map(|part| Decile {
            points: part.len(),
            mean_return: mean(&part.iter().map(|pair| pair.1).collect::<Vec<_>>()),
        })
        .collect()
}
