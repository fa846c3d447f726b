//! Derives a labelled score with every term of it from closes and story clusters.

mod label;
mod price;
mod sentiment;
mod sum;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use label::SignalLabel;
pub use sentiment::Contribution;

/// Version of the formula, stored with every signal; a changed formula has another name.
pub const FORMULA: &str = "composite/1";

/// Most closes that are read, the newest ones.
pub const WINDOW: usize = 250;
/// Fewest closes for a price score, and so for a composite.
pub const LEAST_CLOSES: usize = 51;
/// Age from which a story no longer counts: older news is not searched for and not analyzed.
pub const HORIZON: TimeDelta = TimeDelta::hours(72);
const HORIZON_H: f64 = HORIZON.num_hours() as f64;
/// The window of `S_24h`, which the alert rules read.
pub const DAY_H: f64 = 24.0;

/// One story about the symbol, as the formula reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterInput {
    pub id: i64,
    /// Sentiment score in -1..=1.
    pub s: f64,
    /// Relevance to the symbol in 0..=1.
    pub r: f64,
    /// Calibrated confidence in 0..=1.
    pub kappa: f64,
    /// Trust in the source in 0..=1.
    pub q: f64,
    /// Number of earlier clusters about the same event within 24 h.
    pub k: u32,
    /// Hours since the earliest publication; negative when dated in the future.
    pub age_h: f64,
    /// The source that the cap of five counts by; empty is unknown and never capped.
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// Oldest first.
    pub closes: Vec<f64>,
    pub clusters: Vec<ClusterInput>,
    /// True if the last close belongs to the newest session that has begun.
    pub price_fresh: bool,
    pub previous: Option<SignalLabel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    InsufficientData,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InsufficientData => "insufficient_data",
        }
    }
}

/// A signal with all its terms. Price terms and `C` are absent without enough closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub state: State,
    /// Daily volatility of log returns, without the last.
    pub sigma: Option<f64>,
    /// Momentum over 20 days.
    #[serde(rename = "M")]
    pub m: Option<f64>,
    /// Trend of the 20-day over the 50-day mean.
    #[serde(rename = "T")]
    pub t: Option<f64>,
    /// The last move.
    #[serde(rename = "D")]
    pub d: Option<f64>,
    /// Wilder's index over 14 changes, 0..=100.
    #[serde(rename = "RSI")]
    pub rsi: Option<f64>,
    /// Stretch, against the move.
    #[serde(rename = "K")]
    pub k: Option<f64>,
    #[serde(rename = "P")]
    pub p: Option<f64>,
    #[serde(rename = "S")]
    pub s: f64,
    /// Weight of the news behind `S`.
    #[serde(rename = "W")]
    pub w: f64,
    #[serde(rename = "C")]
    pub c: Option<f64>,
    /// Quality in 0..=1; without a price score, the quality of the news alone.
    #[serde(rename = "Q")]
    pub q: f64,
    pub label: Option<SignalLabel>,
    /// Number of closes that were read.
    pub window: usize,
    /// The clusters that counted, in order of id.
    pub contributions: Vec<Contribution>,
}

/// Reason why inputs are invalid.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InvalidInputs {
    #[error("closes[{0}] is not a positive finite number")]
    Close(usize),
    #[error("clusters[{index}].{field} is out of range")]
    Cluster { index: usize, field: &'static str },
}

impl Inputs {
    /// Names the first number that the formula would have to ignore.
    pub fn check(&self) -> Result<(), InvalidInputs> {
        if let Some(i) = self.closes.iter().position(|c| !price::is_price(*c)) {
            return Err(InvalidInputs::Close(i));
        }
        for (index, c) in self.clusters.iter().enumerate() {
            let unit = 0.0..=1.0;
            let field = if !(-1.0..=1.0).contains(&c.s) {
                "s"
            } else if !unit.contains(&c.r) {
                "r"
            } else if !unit.contains(&c.kappa) {
                "kappa"
            } else if !unit.contains(&c.q) {
                "q"
            } else if !c.age_h.is_finite() {
                "age_h"
            } else {
                continue;
            };
            return Err(InvalidInputs::Cluster { index, field });
        }
        Ok(())
    }
}

/// The signal of `composite/1`. Never NaN: invalid closes count as missing history, clusters out of
/// range have no weight.
pub fn derive(inputs: &Inputs) -> Terms {
    let news = sentiment::score(&inputs.clusters, HORIZON_H);
    let support = 0.4 * news.mass / (news.mass + sentiment::PRIOR);
    let window = &inputs.closes[inputs.closes.len().saturating_sub(WINDOW)..];

    let Some(price) = price::score(window) else {
        return Terms {
            state: State::InsufficientData,
            sigma: None,
            m: None,
            t: None,
            d: None,
            rsi: None,
            k: None,
            p: None,
            s: news.score,
            w: news.mass,
            c: None,
            // Without a price score no agreement is possible.
            q: support * 0.5,
            label: None,
            window: window.len(),
            contributions: news.contributions,
        };
    };

    let composite = 0.6 * price.score + 0.4 * news.score;
    let fresh = if inputs.price_fresh { 1.0 } else { 0.0 };
    let coverage = 0.6 * fresh * (window.len() as f64 / 60.0).min(1.0) + support;
    let quality = coverage * (0.5 + 0.5 * (1.0 - (news.score - price.score).abs() / 2.0));
    let agreement = news.score * price.score;
    Terms {
        state: State::Ok,
        sigma: Some(price.sigma),
        m: Some(price.momentum),
        t: Some(price.trend),
        d: Some(price.last_move),
        rsi: Some(price.rsi),
        k: Some(price.stretch),
        p: Some(price.score),
        s: news.score,
        w: news.mass,
        c: Some(composite),
        q: quality,
        label: Some(label::next(inputs.previous, composite, quality, agreement)),
        window: window.len(),
        contributions: news.contributions,
    }
}

/// `S_24h`: the sentiment of clusters at most a day old.
pub fn sentiment_24h(clusters: &[ClusterInput]) -> f64 {
    sentiment::score(clusters, DAY_H).score
}

/// Least-squares slope, per step, of values at equal distances. Fewer than two have none.
pub fn slope(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = sum::compensated(values.iter().copied()) / n;
    let steps = || (0..values.len()).map(|i| i as f64 - middle);
    let over = sum::compensated(steps().zip(values).map(|(x, y)| x * (y - mean)));
    Some(over / steps().map(|x| x * x).sum::<f64>())
}
