//! `P`: the price score, from closes alone.

use super::LEAST_CLOSES;
use super::sum::compensated;

/// RiskMetrics' decay of daily volatility.
const LAMBDA: f64 = 0.94;
const SEED: usize = 20;
const RSI_SPAN: usize = 14;
/// Largest log ratio that counts as no move.
const STILL: f64 = 1e-12;

pub(super) struct Price {
    pub(super) sigma: f64,
    pub(super) momentum: f64,
    pub(super) trend: f64,
    pub(super) last_move: f64,
    pub(super) rsi: f64,
    pub(super) stretch: f64,
    pub(super) score: f64,
}

pub(super) fn is_price(close: f64) -> bool {
    close.is_finite() && close > 0.0
}

/// Absent below [`LEAST_CLOSES`] and if any close is invalid.
pub(super) fn score(closes: &[f64]) -> Option<Price> {
    if closes.len() < LEAST_CLOSES || !closes.iter().all(|c| is_price(*c)) {
        return None;
    }
    let last = closes[closes.len() - 1];
    let returns: Vec<f64> = closes.windows(2).map(|w| (w[1] / w[0]).ln()).collect();
    let (latest, earlier) = returns.split_last()?;
    let sigma = volatility(earlier);
    let month = sigma * 20.0_f64.sqrt();

    let momentum = squash(0.5 * (last / closes[closes.len() - 21]).ln(), month);
    let trend = squash((mean_of_last(closes, 20) / mean_of_last(closes, 50)).ln(), month);
    let last_move = squash(0.5 * latest, sigma);
    let rsi = rsi(closes);
    let stretch = if rsi < 30.0 {
        (30.0 - rsi) / 30.0
    } else if rsi > 70.0 {
        (70.0 - rsi) / 30.0
    } else {
        0.0
    };
    let score = 0.45 * momentum + 0.25 * trend + 0.20 * last_move + 0.10 * stretch;
    Some(Price { sigma, momentum, trend, last_move, rsi, stretch, score: score.clamp(-1.0, 1.0) })
}

/// tanh of a ratio; if the divisor is zero, 0 for no move and otherwise the limit.
fn squash(over: f64, under: f64) -> f64 {
    if under > 0.0 {
        (over / under).tanh()
    } else if over.abs() <= STILL {
        0.0
    } else {
        over.signum()
    }
}

fn volatility(returns: &[f64]) -> f64 {
    let (seed, rest) = returns.split_at(SEED);
    let mean = compensated(seed.iter().map(|r| r * r)) / SEED as f64;
    rest.iter().fold(mean, |v, r| LAMBDA * v + (1.0 - LAMBDA) * r * r).sqrt()
}

fn mean_of_last(closes: &[f64], n: usize) -> f64 {
    compensated(closes[closes.len() - n..].iter().copied()) / n as f64
}

/// Wilder's: the plain mean of the first changes, then his smoothing.
fn rsi(closes: &[f64]) -> f64 {
    let span = RSI_SPAN as f64;
    let changes: Vec<f64> = closes.windows(2).map(|w| w[1] - w[0]).collect();
    let (first, rest) = changes.split_at(RSI_SPAN);
    let mut gain = compensated(first.iter().map(|c| c.max(0.0))) / span;
    let mut loss = compensated(first.iter().map(|c| (-c).max(0.0))) / span;
    for change in rest {
        gain = (gain * (span - 1.0) + change.max(0.0)) / span;
        loss = (loss * (span - 1.0) + (-change).max(0.0)) / span;
    }
    if gain + loss == 0.0 { 50.0 } else { 100.0 * gain / (gain + loss) }
}
