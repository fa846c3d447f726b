//! Random numbers that depend on their purpose, not on the order of calls.

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The generator for one purpose on one day: equal arguments, equal numbers.
pub(crate) fn chance(seed: u64, what: &str, day: i64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&day.to_le_bytes());
    key[16..24].copy_from_slice(&hash(what.as_bytes(), 0xcbf2_9ce4_8422_2325).to_le_bytes());
    key[24..].copy_from_slice(&hash(what.as_bytes(), 0x9e37_79b9_7f4a_7c15).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// FNV-1a, 64 bits: stable across versions, unlike the standard library's hasher.
pub(crate) fn hash(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |h, byte| (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One draw of the standard normal distribution (Box-Muller).
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let u: f64 = 1.0 - rng.random::<f64>();
    let v: f64 = rng.random();
    (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
}
