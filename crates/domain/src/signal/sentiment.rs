//! `S`: the sentiment score, from the news of the last days.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ClusterInput;
use super::sum::compensated;
use crate::symbols::LINK;

/// The weight of a neutral prior, which pulls thin evidence towards zero.
pub(super) const PRIOR: f64 = 0.5;
const HALF_LIFE_H: f64 = 24.0;
/// Weight of a repetition of the same event, relative to the story before it.
const REPEAT: f64 = 0.75;
const PER_SOURCE: usize = 5;

/// Contribution of one cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    pub id: i64,
    pub weight: f64,
    pub score: f64,
}

pub(super) struct News {
    pub(super) score: f64,
    pub(super) mass: f64,
    pub(super) contributions: Vec<Contribution>,
}

pub(super) fn score(clusters: &[ClusterInput], horizon_h: f64) -> News {
    let mut by_source: BTreeMap<&str, Vec<Contribution>> = BTreeMap::new();
    let mut contributions = Vec::new();
    for cluster in clusters {
        let weight = weight(cluster, horizon_h);
        if weight > 0.0 {
            let counted =
                Contribution { id: cluster.id, weight, score: cluster.s.clamp(-1.0, 1.0) };
            match cluster.source.as_str() {
                "" => contributions.push(counted),
                source => by_source.entry(source).or_default().push(counted),
            }
        }
    }
    for mut of_source in by_source.into_values() {
        of_source.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.id.cmp(&b.id)));
        of_source.truncate(PER_SOURCE);
        contributions.append(&mut of_source);
    }
    contributions.sort_by(|a, b| {
        a.id.cmp(&b.id).then(a.weight.total_cmp(&b.weight)).then(a.score.total_cmp(&b.score))
    });
    let mass = compensated(contributions.iter().map(|c| c.weight));
    let pull = compensated(contributions.iter().map(|c| c.weight * c.score));
    News { score: (pull / (mass + PRIOR)).clamp(-1.0, 1.0), mass, contributions }
}

/// 0 for a cluster that is irrelevant, too old, dated in the future, or not a number.
fn weight(c: &ClusterInput, horizon_h: f64) -> f64 {
    let counts = c.r >= LINK && c.age_h >= 0.0 && c.age_h <= horizon_h && !c.s.is_nan();
    if !counts {
        return 0.0;
    }
    let trust = c.r.min(1.0) * unit(c.kappa) * unit(c.q);
    trust * REPEAT.powf(f64::from(c.k)) * (-c.age_h / HALF_LIFE_H).exp2()
}

fn unit(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
}
